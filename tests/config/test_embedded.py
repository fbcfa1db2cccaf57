"""The embedded server with real processes: many starts at once, users that are killed, paths that are too long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from config import embedded

pytestmark = [pytest.mark.alone, pytest.mark.slow]

USER = """
import sys
from pathlib import Path
from config import embedded
with embedded.server(Path(sys.argv[1]), for_tests=True) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""
User = subprocess.Popen[str]


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder; whatever runs in it at the end is stopped."""
    folder = Path(mkdtemp(prefix="tessera-test-"))
    yield folder
    embedded._control(folder, "stop", "-m", "immediate")


@pytest.fixture
def start(data: Path) -> Iterator[Callable[[], User]]:
    """Starts a process that uses the server until it is told to leave."""
    users: list[User] = []

    def begin(folder: Path = data) -> User:
        users.append(
            subprocess.Popen(
                [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        return users[-1]

    yield begin
    for user in users:
        user.kill()
        user.communicate()


def leave(user: User) -> None:
    user.communicate("\n", timeout=30)
    assert user.returncode == 0


def answers(data: Path) -> bool:
    try:
        psycopg.connect(embedded.database_url(data), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def postmaster(data: Path) -> int:
    return int((data / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def test_six_starts_at_once_share_one_server_and_the_last_one_stops_it(data, start):
    users = [start() for _ in range(6)]
    urls = {user.stdout.readline().strip() for user in users}
    assert urls == {embedded.database_url(data)}
    assert answers(data)
    for user in users[:5]:
        leave(user)
    assert answers(data)
    leave(users[5])
    assert not answers(data)


def test_a_killed_user_does_not_keep_the_server_alive(data, start):
    killed, other = start(), start()
    assert killed.stdout.readline()
    assert other.stdout.readline()
    killed.kill()
    killed.wait()
    assert answers(data)
    leave(other)
    assert not answers(data)


def test_the_server_of_a_killed_only_user_is_adopted_and_then_stopped(data, start):
    only = start()
    assert only.stdout.readline()
    before = postmaster(data)
    only.kill()
    only.wait()
    assert answers(data)
    heir = start()
    assert heir.stdout.readline()
    assert postmaster(data) == before
    leave(heir)
    assert not answers(data)


def test_a_killed_server_is_started_again_with_its_data(data, start):
    first = start()
    assert first.stdout.readline()
    with psycopg.connect(embedded.database_url(data), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        connection.execute("CHECKPOINT")
    os.kill(postmaster(data), signal.SIGKILL)
    first.kill()
    first.wait()
    second = start()
    assert second.stdout.readline()
    with psycopg.connect(embedded.database_url(data)) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    leave(second)


def test_a_first_start_that_was_cut_short_is_repeated(data, start):
    (data / "cluster.new").mkdir()
    (data / "cluster.new" / "PG_VERSION").write_text("18\n")
    user = start()
    assert user.stdout.readline()
    assert not (data / "cluster.new").exists()
    leave(user)


def test_a_folder_too_deep_for_a_socket_gets_a_private_one_elsewhere(data, start):
    deep = data / ("d" * 60) / ("e" * 60)
    user = start(deep)
    assert user.stdout.readline().strip() == embedded.database_url(deep)
    assert answers(deep)
    place = embedded.socket_dir(deep)
    assert not place.is_relative_to(deep)
    assert place.stat().st_mode & 0o777 == 0o700
    leave(user)


def test_two_data_folders_do_not_meet(data, start, tmp_path_factory):
    other = data / "other"
    here, there = start(), start(other)
    assert here.stdout.readline() != there.stdout.readline()
    leave(here)
    assert answers(other)
    leave(there)


def test_the_socket_and_the_cluster_are_for_one_user_only(data, start):
    user = start()
    assert user.stdout.readline()
    for folder in ("cluster", "run"):
        assert (data / folder).stat().st_mode & 0o777 == 0o700
    assert (data / "postgres.log").stat().st_mode & 0o777 == 0o600
    leave(user)


def test_a_cluster_of_another_major_version_is_refused_with_a_sentence(data):
    (data / "cluster").mkdir()
    (data / "cluster" / "PG_VERSION").write_text("12\n")
    with pytest.raises(embedded.EmbeddedServerError, match="was made by PostgreSQL 12, this environment has 18"):
        embedded._make_cluster(data)


def test_a_link_in_place_of_the_socket_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(embedded.EmbeddedServerError, match="belongs to another user"):
        embedded._own(tmp_path / "run")


def test_the_url_is_computed_without_starting_anything(tmp_path):
    began = time.monotonic()
    assert embedded.database_url(tmp_path).endswith("/tessera")
    assert time.monotonic() - began < 0.5
    assert list(tmp_path.iterdir()) == []
