import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from gunicorn.app.wsgiapp import WSGIApplication

from config import gunicorn
from config.worker import DeadlineWorker
from embeddings import fleet, process
from embeddings.in_flight import WAITERS

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-and-some-more",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "WEB_BIND": "127.0.0.1:0",
}


def refused(data_dir: Path, **environment: str) -> str:
    """What the web server says when it does not start."""
    paths = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
    own = {"PYTHONPATH": paths, "DATA_DIR": str(data_dir), **GOOD, **environment}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gunicorn"),
            *("-c", "python:config.gunicorn", "config.wsgi"),
        ],
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize(
    ("environment", "identifier"),
    [
        ({"SECRET_KEY": "short"}, "config.E002"),
        ({"DEBUG": "1", "WEB_BIND": "0.0.0.0:0"}, "config.E004"),
        ({"ALLOWED_HOSTS": "*"}, "config.E005"),
    ],
    ids=["secret key", "debug", "hosts"],
)
def test_settings_that_must_not_run_do_not_start(
    tmp_path: Path, environment: dict[str, str], identifier: str
) -> None:
    said = refused(tmp_path, **environment)

    assert "The web server does not start:" in said
    assert identifier in said
    assert "HINT" in said
    assert "Traceback" not in said


def test_configuration_is_gunicorns(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["gunicorn", "-c", "python:config.gunicorn", "config.wsgi"]
    monkeypatch.setattr(sys, "argv", command)

    config = WSGIApplication().cfg

    assert config.worker_class is DeadlineWorker
    assert config.workers == 1
    assert config.threads == (1 + WAITERS) * settings.WEB_THREADS + 2
    assert config.control_socket_disable
    assert not config.preload_app
    assert config.on_starting is not None
    assert config.worker_tmp_dir == gunicorn.worker_tmp_dir


def test_worker_asks_its_engine_whether_to_go_on_and_stops_it(monkeypatch) -> None:
    started: list[fleet.Reporter] = []

    def start(self: fleet.Reporter) -> None:
        started.append(self)

    monkeypatch.setattr(fleet.Reporter, "start", start)
    calls: list[object] = []
    monkeypatch.setattr(gunicorn.gc, "freeze", lambda: calls.append("freeze"))
    monkeypatch.setattr(gunicorn.gc, "set_threshold", calls.append)
    worker = SimpleNamespace()

    gunicorn.post_worker_init(worker)

    assert worker.is_lost is process.is_lost
    assert worker.stop is process.stop_admission
    assert started == [worker.reporter]
    assert calls == ["freeze", gunicorn.GARBAGE_OBJECTS]


def test_counters_are_shared_in_a_folder_of_this_start(monkeypatch, tmp_path) -> None:
    folder = tmp_path / "counters"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"")
    monkeypatch.setenv(gunicorn.SHARED_FOLDER, str(folder))

    gunicorn.on_exit(None)

    assert not folder.exists()
    assert gunicorn.SHARED_FOLDER not in os.environ
