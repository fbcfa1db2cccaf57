"""`make run` with real processes: first start, second start, Ctrl-C, kill -9, a port that is taken."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

from config import embedded, launcher
from config.env import BadSetting
from config.paths import BASE_DIR

pytestmark = [pytest.mark.alone, pytest.mark.slow]
Launched = subprocess.Popen[str]


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="tessera-run-"))
    yield folder
    embedded._control(folder, "stop", "-m", "immediate")


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def launch(data: Path, port: int) -> Iterator[Callable[[], Launched]]:
    started: list[Launched] = []

    def start() -> Launched:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DATABASE_URL", "TESSERA_PROCESS", "CLIENT_RATE")
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher"],
            cwd=BASE_DIR, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            env=environment | {"DATA_DIR": str(data), "PORT": str(port), "WEB_WORKERS": "1"},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    until(lambda: not processes_of(data), seconds=40)


def read_until(process: Launched, marker: str, seconds: float = 90) -> str:
    """What was printed up to the line with the marker."""
    assert process.stdout is not None
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.start()
    text = ""
    try:
        for line in process.stdout:
            text += line
            if marker in line:
                return text
    finally:
        watchdog.cancel()
    raise AssertionError(f"ended without {marker!r}:\n{text}")


def processes_of(data: Path) -> list[int]:
    """Every process whose environment or command line names the folder, ourselves excepted."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if os.fsencode(data) in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def commands_of(data: Path) -> list[str]:
    """What is still running, for the message of a failed test."""
    commands = []
    for pid in processes_of(data):
        with suppress(OSError):
            commands.append(f"{pid} {(Path('/proc') / str(pid) / 'cmdline').read_bytes().decode()}".replace("\0", " "))
    return commands


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_first_start_shows_login_and_keys_second_names_the_file_and_each_ends_with_everything(launch, data, port):
    first = launch()
    shown = read_until(first, "Ctrl-C stops everything")
    kept = json.loads((data / "sandbox.json").read_text())
    assert (data / "sandbox.json").stat().st_mode & 0o777 == 0o600
    for name in ("password", "app_id", "app_token", "client_app_id", "client_token", "management_token"):
        assert kept[name] in shown
    assert f"http://localhost:{port}/dashboard/" in shown
    assert status(port, "/livez") == 200
    first.send_signal(signal.SIGINT)
    assert first.wait(40) == 0
    assert until(lambda: not processes_of(data), seconds=5), commands_of(data)

    second = launch()
    shown = read_until(second, "Ctrl-C stops everything")
    assert str(data / "sandbox.json") in shown
    assert kept["app_token"] not in shown
    assert json.loads((data / "sandbox.json").read_text()) == kept
    second.send_signal(signal.SIGHUP)
    assert second.wait(40) == 0
    assert until(lambda: not processes_of(data), seconds=5), commands_of(data)


def test_a_killed_launcher_leaves_nothing_running(launch, data, port):
    killed = launch()
    read_until(killed, "Ctrl-C stops everything")
    assert len(processes_of(data)) > 5
    killed.kill()
    assert until(lambda: not processes_of(data), seconds=40), commands_of(data)


def test_a_taken_port_is_named_with_what_to_do_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = launcher.Place("127.0.0.1", port, tmp_path / "data")
        with pytest.raises(launcher.CannotRun, match=rf"Port {port} is in use .*make run PORT={port + 1}"):
            launcher.check_port(place)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("value", ["0", "-1", "65536", "http", "80.5", "８０００"])
def test_a_port_that_is_none_stops_the_start(monkeypatch, value):
    monkeypatch.setenv("PORT", value)
    with pytest.raises(BadSetting):
        launcher.place_from_environment()
