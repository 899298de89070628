"""The web server's configuration: `gunicorn -c python:config.gunicorn config.wsgi`."""

import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core import checks
from django.db import Error as DatabaseError
from django.db import connection

from config.checks import is_local

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

bind = settings.WEB_BIND
#: One process holds the models; threads share them.
workers = 1
#: Twice as many requests may wait for their place among those that are served; the
#: rest find out who else calls.
threads = 3 * settings.WEB_THREADS + 2
worker_class = "config.worker.DeadlineWorker"
worker_connections = 2000
preload_app = False
#: Silent only when the process hangs: long requests do not hold the main loop.
timeout = 60
graceful_timeout = settings.GRACEFUL_TIMEOUT_S
keepalive = 75
forwarded_allow_ips = ",".join(settings.TRUSTED_PROXIES) or "127.0.0.1"
control_socket_disable = True
#: A disk that stalls would look like a worker that hangs.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
#: Files are sent by our own writes, which have a time limit.
sendfile = False
#: prometheus_client's name for where processes share their counters.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: What running batches get once no request waits for them.
LAST_DRAIN_S = 2.0
#: New objects after which Python looks for cycles among them; requests make hardly any.
GARBAGE_OBJECTS = 10_000
logger_class = "config.access_log.GunicornLogger"


def on_starting(server: Any) -> None:
    """Refuse to start with settings that must not run; exits with a message."""
    # Before anything that counts is imported: each process writes its counters here.
    os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="metrics-")
    django.setup()
    is_exposed = not is_local(settings.WEB_BIND)
    messages = checks.run_checks(
        include_deployment_checks=is_exposed,
        databases=["default"] if _database_answers() else [],
    )
    for message in messages:
        if not message.is_serious():
            server.log.warning("%s", message)
    errors = [str(message) for message in messages if message.is_serious()]
    if errors:
        sys.exit("\n".join(["The web server does not start:", *errors]))


def _database_answers() -> bool:
    """Whether its checks can run; without it the server starts, and is not ready."""
    try:
        connection.ensure_connection()
    except DatabaseError:
        return False
    else:
        return True
    finally:
        connection.close()


def post_worker_init(worker: Any) -> None:
    """Tie the worker's life to its engine's."""
    # The worker's, not the master's.
    from embeddings import fleet, process  # noqa: PLC0415

    worker.is_lost = process.is_lost
    worker.stop = process.stop_admission
    worker.reporter = fleet.Reporter()
    worker.reporter.start()
    # Looking through all that was imported would hold up everybody, again and again.
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 -- gunicorn's signature
    """Take a dead process's gauges back; its counters stay."""
    # Not before on_starting has said where the counters are.
    from prometheus_client import multiprocess  # noqa: PLC0415

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:  # noqa: ARG001 -- gunicorn's signature
    """Remove the counters: the next start begins with none."""
    if folder := os.environ.pop(SHARED_FOLDER, ""):
        shutil.rmtree(folder, ignore_errors=True)


def worker_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 -- gunicorn's signature
    """Let running batches finish, then commit what they used."""
    if worker.booted:
        # The worker's, not the master's.
        from accounts import metering, revision  # noqa: PLC0415
        from embeddings import process  # noqa: PLC0415

        worker.reporter.stop()
        is_lost = process.is_lost()
        process.close(drain_s=LAST_DRAIN_S)
        metering.close_meter()
        revision.close_cache()
        if is_lost:
            # Its threads hang in the device, and Python would wait for them.
            os._exit(1)
