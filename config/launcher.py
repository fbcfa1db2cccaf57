"""`make run`: everything on one machine, from nothing, and nothing left behind.

launcher ── embedded PostgreSQL (unless DATABASE_URL is set)
        ├── prepare: migrate, collect static files, first project
        ├── supervisor ── web, worker (started again when they die)
        └── keeper: tidies up if the launcher itself is killed
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config import embedded
from config.env import BadSetting, env_int, env_str
from config.paths import BASE_DIR, data_dir

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0


class Stopped(SystemExit):
    """Somebody pressed Ctrl-C, or closed the terminal, or asked us to end."""


class CannotRun(SystemExit):
    """The start failed; the text says why and what to do."""


class Signals:
    """Turns Ctrl-C, SIGTERM and a closed terminal into Stopped, but never while something is held.

    A signal between a process's birth and the line that remembers it would leave that process behind.
    """

    ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._holding = self._pending = False

    def arm(self) -> None:
        """From now on."""
        for number in self.ENDING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means: stay
                signal.signal(number, self._handle)

    def ignore(self) -> None:
        """A second Ctrl-C must not cut the stopping short."""
        for number in self.ENDING:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whatever comes now counts at the end of the block."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            if self._pending:
                self._stop()

    def _handle(self, number: int, frame: object) -> None:
        if self._holding:
            self._pending = True
        else:
            self._stop()

    def _stop(self) -> None:
        self.ignore()
        raise Stopped(0)


signals: Final = Signals()


@dataclass(frozen=True, slots=True)
class Place:
    """Where this instance lives."""

    host: str
    port: int
    data: Path

    @property
    def address(self) -> str:
        """For a person on this machine."""
        return f"http://{'localhost' if self.host in ('127.0.0.1', '0.0.0.0', '::') else self.host}:{self.port}"  # noqa: S104

    @property
    def sandbox(self) -> Path:
        """What the first start printed."""
        return self.data / "sandbox.json"

    @property
    def demonstrated(self) -> Path:
        """Says that the demonstration data is complete."""
        return self.data / "demonstrated"


def place_from_environment() -> Place:
    """PORT (8000), HOST (127.0.0.1: only this machine) and DATA_DIR (.data)."""
    port = env_int("PORT", 8000, least=1)
    if port > 65535:
        raise BadSetting("PORT", str(port), "a port number up to 65535")
    return Place(env_str("HOST", "127.0.0.1"), port, data_dir())


def main() -> None:
    """Start, wait, stop."""
    place = place_from_environment()
    check_port(place)
    signals.arm()
    try:
        with ExitStack() as stack:
            _run(place, stack)
    except Stopped:
        signals.ignore()
    print("Stopped.", flush=True)


def check_port(place: Place) -> None:
    """Raises CannotRun when somebody listens there, before anything is started."""
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.host, place.port))
        except PermissionError:
            raise CannotRun(f"Port {place.port} needs privileges. Choose another: make run PORT=8000") from None
        except OSError as error:
            other = place.port + 1 if place.port < 65535 else 8000
            raise CannotRun(
                f"Port {place.port} is in use ({error.strerror}). Choose another: make run PORT={other}"
            ) from None


def _run(place: Place, stack: ExitStack) -> None:
    place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (place.data / "log").mkdir(mode=0o700, exist_ok=True)
    environment = _environment(place)
    ours = "DATABASE_URL" not in environment
    if ours:
        _say("Starting the embedded PostgreSQL")
        with signals.held():
            environment["DATABASE_URL"] = stack.enter_context(embedded.server(place.data))
    keeper = stack.enter_context(_keeper(place.data if ours else None))
    first = _prepare(environment)
    supervisor = stack.enter_context(_supervisor(environment, keeper))
    _wait_until_it_answers(place, supervisor)
    _greet(place, first)
    if place.sandbox.exists() and not place.demonstrated.exists():
        _demonstrate(environment)
    supervisor.wait()
    raise CannotRun(f"The supervisor ended; see {place.data / 'log'}.")


def _environment(place: Place) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not (name == "DATABASE_URL" and not value)}
    return environment | {
        "HOST": place.host,
        "PORT": str(place.port),
        "DATA_DIR": str(place.data),
        "WEB_WORKERS": str(env_int("WEB_WORKERS", 2, least=1)),
        "WEB_THREADS": str(env_int("WEB_THREADS", 64, least=1)),
        "PROMETHEUS_MULTIPROC_DIR": str(_fresh_folder(place.data / f"metrics-{place.port}")),
        "TESSERA_PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def _fresh_folder(folder: Path) -> Path:
    """Where the web's processes keep what they count, for one of them to sum up; empty at each start."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def _keeper(data: Path | None) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "config.keeper", str(data or "")]
    process: subprocess.Popen[str] | None = None
    try:
        with signals.held():
            process = subprocess.Popen(command, cwd=BASE_DIR, stdin=subprocess.PIPE, text=True, start_new_session=True)
        yield process
    finally:
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait(STOP_SECONDS)


@contextmanager
def _leashed(*command: str, environment: dict[str, str], output: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that is told to stop at the end of the block, and by the kernel if we are killed."""
    leash = str(BASE_DIR / "config" / "leash.py")
    process: subprocess.Popen[str] | None = None
    try:
        with signals.held():
            process = subprocess.Popen(
                [sys.executable, leash, sys.executable, *command],
                cwd=BASE_DIR, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=output,
                start_new_session=True,
            )  # fmt: skip
        yield process
    finally:
        if process is not None:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _prepare(environment: dict[str, str]) -> bool:
    """Migrate, collect, and make the first project; true if this was the first start."""
    first = False
    with _leashed("manage.py", "prepare", environment=environment, output=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("first:"):
                first = line.strip() == "first: yes"
            else:
                print(line, end="", flush=True)
        if process.wait():
            raise CannotRun("The preparation failed; see above.")
    return first


def _demonstrate(environment: dict[str, str]) -> None:
    """Make demonstration data beside the running server; a failure is told and stops nothing."""
    _say("Making demonstration data; the dashboard can be used meanwhile")
    with _leashed("manage.py", "demonstration", environment=environment, output=subprocess.DEVNULL) as process:
        failed = process.wait()
    _say("Demonstration data is not complete; see above." if failed else "Demonstration data is there.")


@contextmanager
def _supervisor(environment: dict[str, str], keeper: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    program = str(Path(sys.executable).parent / "supervisord")
    with _leashed(program, "-c", str(BASE_DIR / "supervisord.conf"), environment=environment) as process:
        assert keeper.stdin is not None
        keeper.stdin.write(f"{process.pid}\n")
        keeper.stdin.flush()
        try:
            yield process
        finally:
            if process.poll() is None:
                print("\nStopping", flush=True)


def _wait_until_it_answers(place: Place, supervisor: subprocess.Popen[str]) -> None:
    host = "127.0.0.1" if place.host == "0.0.0.0" else place.host  # noqa: S104
    address = f"http://{f'[{host}]' if ':' in host else host}:{place.port}/livez"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and supervisor.poll() is None:
        try:
            with opener.open(address, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise CannotRun(f"The server did not answer; see {place.data / 'log'}.")


def _greet(place: Place, first: bool) -> None:
    lines = [f"Tessera is running: {place.address}/dashboard/", ""]
    if first:
        lines += _secrets(json.loads(place.sandbox.read_text()))
        lines += ["", f"These are kept in {place.sandbox} (only you can read it) and not shown again."]
    elif place.sandbox.exists():
        lines += [f"Login and keys: {place.sandbox}"]
    else:
        lines += ["Projects exist already. New ones: manage.py create_project NAME, manage.py create_admin EMAIL"]
    lines += [f"API description: {place.address}/api/docs/", f"Logs: {place.data / 'log'}", "Ctrl-C stops everything."]
    print("\n".join(lines), flush=True)


def _secrets(made: dict[str, Any]) -> list[str]:
    return [
        f"  Sign in           {made['email']}  {made['password']}",
        f"  Server keys       X-App-Id: {made['app_id']}",
        f"                    X-App-Token: {made['app_token']}",
        f"  Client keys       X-Client-Application-Id: {made['client_app_id']}",
        f"                    X-Client-Token: {made['client_token']}",
        f"  Allowed origins   {', '.join(made['origins'])}",
        f"  Management keys   X-Management-Id: {made['management_id']}",
        f"                    X-Management-Token: {made['management_token']}",
    ]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
