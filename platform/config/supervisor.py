"""Everything on one machine: prepare it, start it, watch it, stop it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from honcho.printer import Printer

from config import logging, secret_files, welcome
from config.listening import Address
from config.tree import Death, Tree
from embedded.account import server_account
from embedded.lock import FileLock, InUseError
from embedded.postgres import Cluster
from embedded.tied import tied_command
from embedded.wheel import EmbeddedPostgresError

DATABASE = "platform"
#: How long the parts of a killed tree may take to end.
LEFTOVERS_S = 10.0
SLOW_START_S = 60.0
POLL_S = 0.2


class CannotStartError(Exception):
    """The platform cannot start; the message says why and what to do."""


def run(*, say: Callable[[str], object], greet: welcome.Greeting) -> Death | None:
    """Run until SIGINT or SIGTERM; returns what died instead, if anything did.

    `say` gets a line about each step, `greet` makes what is printed once requests are
    served. Raises `CannotStartError` with nothing left
    running.
    """
    signal.signal(signal.SIGTERM, _end_early)
    signal.signal(signal.SIGHUP, _end_early)
    try:
        with _data_folder() as folder, _postgres(say) as cluster:
            secret_files.ensure(folder)
            environment = _environment(cluster)
            say("Preparing the database and static files (the first time takes longer)")
            password = _prepare(environment)
            say("Starting web, worker and beat")
            return _run_tree(environment, cluster, partial(greet, password=password))
    except KeyboardInterrupt:
        return None


def _end_early(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- signal's
    """Before the tree runs, a signal ends the preparations like Ctrl-C does."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def _data_folder() -> Iterator[Path]:
    """DATA_DIR, made and owned by this process; the web address is free."""
    folder: Path = settings.DATA_DIR
    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _close_to_others(folder)
        lock.acquire()
    except InUseError as error:
        raise CannotStartError(
            f"process {error.owner} runs the platform in {folder} already: "
            "stop it, or set another DATA_DIR and PORT"
        ) from error
    except OSError as error:
        raise CannotStartError(f"DATA_DIR cannot be used: {error}") from error
    try:
        # Parts of a killed tree may need a moment to let go of the address.
        patience_s = LEFTOVERS_S if lock.was_abandoned else 0.0
        address = Address.parse(settings.WEB_BIND)
        if not address.wait_until_free(patience_s):
            raise CannotStartError(
                f"{address} is in use: stop what listens there, or set another PORT"
            )
        yield folder
    finally:
        lock.release()


def _close_to_others(folder: Path) -> None:
    """Keep others out; a server that root starts as another user passes through."""
    try:
        account = server_account()
    except LookupError:
        account = None
    if account is not None and account.is_other:
        os.chown(folder, -1, account.gid)
        folder.chmod(0o710)
    else:
        folder.chmod(0o700)


@contextlib.contextmanager
def _postgres(say: Callable[[str], object]) -> Iterator[Cluster | None]:
    """The embedded server, unless DATABASE_URL names another."""
    if "DATABASE_URL" in os.environ or "DATABASE_URL_FILE" in os.environ:
        yield None
        return
    say(f"Starting PostgreSQL in {settings.POSTGRES_HOME}")
    cluster = Cluster(home=settings.POSTGRES_HOME)
    try:
        cluster.start()
        cluster.create_database(DATABASE)
        yield cluster
    except EmbeddedPostgresError as error:
        raise CannotStartError(str(error)) from error
    finally:
        cluster.stop()


def _environment(cluster: Cluster | None) -> dict[str, str]:
    """What the parts are started with."""
    root: Path = settings.ROOT
    paths = [str(root / "platform"), str(root), os.environ.get("PYTHONPATH", "")]
    on_terminal = logging.CONSOLE if sys.stdout.isatty() else logging.JSON
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "DATA_DIR": str(settings.DATA_DIR),
        "LOG_FORMAT": os.environ.get("LOG_FORMAT", on_terminal),
    }
    if cluster is not None:
        own["DATABASE_URL"] = cluster.url(DATABASE)
    return os.environ | own


def _prepare(environment: dict[str, str]) -> str | None:
    """Prepare in a process that sees the settings as they are now.

    Returns the administrator's password if it was just made.
    """
    command = [sys.executable, str(settings.ROOT / "manage.py"), "prepare"]
    done = subprocess.run(  # noqa: S603 -- our own command
        tied_command([*command, "--demo", "--json"], signum=signal.SIGTERM),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotStartError("the preparations failed, see above")
    password: str | None = json.loads(done.stdout.splitlines()[-1])["admin_password"]
    return password


def _commands() -> dict[str, list[str]]:
    """The parts of the tree."""
    python = [sys.executable, "-m"]
    # Said to root on every start; messages are JSON, so there is nothing to run.
    unafraid = ["-W", "ignore:You're running the worker with superuser"]
    celery = [*python[:1], *unafraid, "-m", "celery", "--quiet", "--app", "config"]
    level = f"--loglevel={settings.LOG_LEVEL}"
    processes = f"--concurrency={settings.WORKER_PROCESSES}"
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    schedule = f"--schedule={settings.DATA_DIR / 'beat-schedule'}"
    return {
        "web": [*python, "gunicorn", "-c", "python:config.gunicorn", "config.wsgi"],
        "worker": [*celery, "worker", level, processes, *quiet],
        "beat": [*celery, "beat", level, schedule, "--pidfile="],
    }


def _run_tree(
    environment: dict[str, str], cluster: Cluster | None, greet: Callable[..., str]
) -> Death | None:
    tree = Tree(Printer(sys.stdout))

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- signal's
        tree.stop()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stop)
    # Requests in flight at the end get a moment, not production's half minute.
    environment = environment | {"GRACEFUL_TIMEOUT_S": "4"}
    for name, command in _commands().items():
        tree.start(name, command, environment=environment)
    _in_background(_welcome_when_ready, tree, greet)
    if cluster is not None:
        _in_background(_watch, tree, cluster)
    return tree.run()


def _in_background(function: Any, *arguments: Any) -> None:
    threading.Thread(
        target=function, args=arguments, name=function.__name__, daemon=True
    ).start()


def _watch(tree: Tree, cluster: Cluster) -> None:
    """Stop the tree when its database ends."""
    returncode = cluster.wait()
    tree.fail(
        Death(name="postgres", returncode=returncode, last_words=cluster.last_words())
    )


def _welcome_when_ready(tree: Tree, greet: Callable[..., str]) -> None:
    """Print what to do next once requests are served."""
    base_url = Address.parse(settings.WEB_BIND).base_url
    slow_at = time.monotonic() + SLOW_START_S
    while not _is_ready(base_url):
        if time.monotonic() > slow_at:
            tree.notice("Not ready yet; the web server's lines above say why.")
            slow_at = float("inf")
        time.sleep(POLL_S)
    key_file = settings.DATA_DIR / "demo-key"
    tree.notice(greet(base_url=base_url, key_file=str(key_file)))


def _is_ready(base_url: str) -> bool:
    try:
        with urlopen(f"{base_url}/readyz", timeout=SLOW_START_S) as answer:  # noqa: S310 -- our own
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
