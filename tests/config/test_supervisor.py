"""The one command as a newcomer runs it: a real tree on a real PostgreSQL."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live import free_port

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120.0
#: How the vector of "hello world" begins, on whichever wire.
HELLO_WORLD = "-0.03447"
STOP_LIMIT_S = 10.0
#: Of this test run, and unknown to a newcomer's shell.
UNSET = {"DATABASE_URL", "SECRET_KEY", "DATA_DIR", "LOG_FORMAT"}
WELCOME = "Ctrl-C stops everything."

pytestmark = pytest.mark.xdist_group("up")


@dataclass(slots=True)
class Run:
    """One `manage.py up`, its output in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_until_ready(self) -> str:
        deadline = time.monotonic() + START_TIMEOUT_S
        while WELCOME not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        return self.output

    def descendants(self) -> dict[int, str]:
        listed = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,ppid=,args="],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        found: dict[int, str] = {}
        family = {self.process.pid}
        while family:
            children = [row for row in rows if int(row[1]) in family]
            found |= {int(pid): args for pid, _, args in children}
            family = {int(row[0]) for row in children}
        return found

    def stop(self) -> float:
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - started


@dataclass(frozen=True, slots=True)
class Place:
    """A DATA_DIR and a PORT aside from everything else."""

    data_dir: Path
    port: int

    def up(self, **environment: str) -> Run:
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        own = {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)}
        log = self.data_dir.parent / "up.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up"],
                env=kept | own | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Run(process, log)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """One place for the whole story, because a first run takes longest."""
    folder = Path(tempfile.mkdtemp(prefix="up-", dir="/tmp"))
    folder.chmod(0o711)
    yield Place(folder / "var", free_port())
    shutil.rmtree(folder)


@pytest.fixture
def up(place: Place) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(**environment: str) -> Run:
        runs.append(place.up(**environment))
        return runs[-1]

    yield start
    for run in (run for run in runs if run.process.poll() is None):
        for pid in [run.process.pid, *run.descendants()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.process.wait(10)


def served(output: str) -> list[str]:
    """Run the printed lines as they stand, from another folder."""
    lines = [line for line in output.splitlines() if line.startswith("  curl ")]
    return [
        subprocess.run(
            ["/bin/sh", "-c", line], cwd="/", capture_output=True, text=True, check=True
        ).stdout
        for line in lines
    ]


def test_first_run_makes_everything_and_the_lines_work(
    place: Place, up: Callable[..., Run]
) -> None:
    run = up()
    output = run.wait_until_ready()

    answers = served(output)

    assert len(answers) >= 4
    assert all(HELLO_WORLD in answer for answer in answers), answers
    assert re.search(r"user admin, password \S{20}", output)
    assert (place.data_dir / "demo-key").stat().st_mode & 0o777 == 0o600
    assert place.data_dir.stat().st_mode & 0o007 == 0
    assert run.stop() < STOP_LIMIT_S
    assert run.process.returncode == 0
    assert run.descendants() == {}


def test_second_run_keeps_key_and_data_and_says_no_password(
    place: Place, up: Callable[..., Run]
) -> None:
    secrets = ("demo-key", "secret-key", "field-keys")
    before = {name: (place.data_dir / name).read_bytes() for name in secrets}
    run = up()
    output = run.wait_until_ready()

    assert all(HELLO_WORLD in answer for answer in served(output))
    assert before == {name: (place.data_dir / name).read_bytes() for name in secrets}
    assert "password " not in output
    assert "changepassword" in output

    # Other commands find the running database by themselves.
    report = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "usage_report", "--json"],
        env={k: v for k, v in os.environ.items() if k not in UNSET}
        | {"DATA_DIR": str(place.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "all-MiniLM-L6-v2" in report.stdout

    second = Place(place.data_dir, free_port()).up()
    assert second.process.wait(30) == 1
    assert f"process {run.process.pid} runs the platform" in second.output

    worker = next(pid for pid, args in run.descendants().items() if " worker " in args)
    os.kill(worker, signal.SIGKILL)
    assert run.process.wait(STOP_LIMIT_S) == 1
    assert "because worker ended with code -9" in run.output


def test_killed_tree_recovers(place: Place, up: Callable[..., Run]) -> None:
    run = up()
    run.wait_until_ready()
    tree = [run.process.pid, *run.descendants()]
    for pid in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.process.wait(10)

    again = up()

    assert all(HELLO_WORLD in answer for answer in served(again.wait_until_ready()))
    postgres = next(
        pid for pid, args in again.descendants().items() if "postgres -D" in args
    )
    os.kill(postgres, signal.SIGKILL)
    assert again.process.wait(STOP_LIMIT_S) == 1
    assert "because postgres ended" in again.output


def test_port_in_use_is_said_before_anything_starts(
    place: Place, up: Callable[..., Run]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run = up(PORT=str(port))

        assert run.process.wait(30) == 1

    assert f"127.0.0.1:{port} is in use" in run.output
    assert "PostgreSQL" not in run.output
    assert "Traceback" not in run.output


def test_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Place(tmp_path / "file" / "var", free_port())
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env=os.environ | {"DATA_DIR": str(run.data_dir), "PORT": str(run.port)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "DATA_DIR cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
