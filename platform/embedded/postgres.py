"""PostgreSQL from a wheel's binaries, under our own supervision.

One process owns a cluster: it starts the server as its child and stops it. The server
listens on a socket that only its account (and root) can reach, and on no port.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from embedded.account import Account, server_account
from embedded.address import SUPERUSER, socket_folder, socket_path, url_of
from embedded.lock import FileLock, InUseError
from embedded.tied import tie_to_parent
from embedded.wheel import (
    DEFAULT_MAJOR,
    EmbeddedPostgresError,
    Programs,
    is_server_of,
    programs_folder,
)

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 3.0
PREDECESSOR_TIMEOUT_S = 15.0
#: The shortest limit among the systems we know (macOS).
SOCKET_PATH_BYTES = 103
#: The first version with a C.UTF-8 that needs nothing of the system.
BUILTIN_LOCALE_MAJOR = 17

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "synchronous_commit": "on",
}
#: For clusters that are thrown away: losing them in a crash costs nothing.
THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(slots=True, kw_only=True)
class Cluster:
    """One PostgreSQL server with its files in `home`, owned while it runs."""

    home: Path
    major: int = DEFAULT_MAJOR
    is_throw_away: bool = False
    _lock: FileLock | None = field(init=False, default=None)
    _server: subprocess.Popen[bytes] | None = field(init=False, default=None)

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server said since it was last started."""
        return self.home / "log"

    @property
    def is_running(self) -> bool:
        """Whether the server this object started still runs."""
        return self._server is not None and self._server.poll() is None

    def url(self, database: str) -> str:
        """The address of a database, in the form that Django and libpq both read."""
        return url_of(self.home, database)

    def last_words(self, lines: int = 20) -> str:
        """The end of the server's log."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def start(self) -> None:
        """Start the server and wait until it answers.

        Recovers from whatever a killed predecessor left. Raises
        `EmbeddedPostgresError`, with nothing left running.
        """
        try:
            account = server_account()
        except LookupError as error:
            raise EmbeddedPostgresError(f"{error}; set DATABASE_URL") from None
        programs = Programs(major=self.major, account=account, home=self.home)
        self._prepare_places(account)
        self._take_lock()
        try:
            self._check_version()
            if not self.data.exists():
                self._initialize(programs)
            self._end_predecessor()
            self._launch(programs)
        except BaseException:
            self.stop()
            raise

    def wait(self) -> int:
        """Wait for the started server to end; returns its exit code."""
        return self._server.wait() if self._server is not None else 0

    def stop(self) -> None:
        """Stop the server, ending what sessions still do, and let go of the files."""
        if self._server is not None:
            if self._server.poll() is None:
                self._server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown.
            try:
                self._server.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._server.send_signal(signal.SIGQUIT)  # It recovers when started.
                self._server.wait()
            self._server = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def create_database(self, name: str) -> None:
        """Create a database unless it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
            if found is None:
                command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                connection.execute(command)

    def _prepare_places(self, account: Account) -> None:
        """Make the folders, and refuse places where the server could not work."""
        address = socket_path(self.home)
        excess = len(os.fsencode(address)) - SOCKET_PATH_BYTES
        if excess > 0:
            raise EmbeddedPostgresError(
                f"the socket's path {address} is {excess} bytes too long: "
                "set DATA_DIR to a shorter path"
            )
        programs = programs_folder(self.major)
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            for path in (self.home, programs):
                closed = account.closed_folder_above(path)
                if closed is not None:
                    raise EmbeddedPostgresError(
                        f"PostgreSQL runs as the user {account.name}, who may not "
                        f"enter {closed}: run as another user than root, put "
                        f"{path} elsewhere (DATA_DIR), or set DATABASE_URL"
                    )
            for folder in (self.home, socket_folder(self.home)):
                folder.mkdir(exist_ok=True)
                account.own(folder)
                folder.chmod(0o700)
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"{error.filename} belongs to another user: "
                "run as that user, or set another DATA_DIR"
            ) from error

    def _take_lock(self) -> None:
        """Become the only owner of the files, or say who is."""
        lock = FileLock(self.home / "lock")
        try:
            lock.acquire()
        except InUseError as error:
            raise EmbeddedPostgresError(
                f"{self.home.parent} is in use by process {error.owner}: "
                "stop it, or set another DATA_DIR (and PORT)"
            ) from error
        self._lock = lock

    def _check_version(self) -> None:
        """Refuse files that another major version wrote."""
        try:
            found = (self.data / "PG_VERSION").read_text("ascii").strip()
        except FileNotFoundError:
            return
        if found != str(self.major):
            raise EmbeddedPostgresError(
                f"{self.data} was written by PostgreSQL {found}, this is "
                f"{self.major}: to keep the data, dump them with the version that "
                "wrote them (pg_dumpall) and restore them into a new DATA_DIR; "
                "to start afresh, move the folder away"
            )

    def _initialize(self, programs: Programs) -> None:
        """Make the data folder, which appears only when it is complete."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        locale = ["--locale=C"]
        if self.major >= BUILTIN_LOCALE_MAJOR:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = programs.run(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            *locale,
            "--auth-local=trust",
            "--auth-host=reject",
            "--no-instructions",
            *(["--no-sync"] if self.is_throw_away else []),
        )
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed: {done.stdout.strip()}")
        unfinished.rename(self.data)

    def _end_predecessor(self) -> None:
        """Stop a server that outlived its killed owner, and clear its lock files.

        We hold the lock, so whatever they name is nobody's server any more; the number
        may by now belong to a process that is no PostgreSQL at all, or to a dead one
        that nobody has waited for.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text("utf-8").splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            pid = 0
        deadline = time.monotonic() + PREDECESSOR_TIMEOUT_S
        while pid > 0 and is_server_of(pid, self.data):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"an earlier server (process {pid}) does not stop: kill it"
                )
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)
        for left_over in socket_folder(self.home).iterdir():
            left_over.unlink()

    def _launch(self, programs: Programs) -> None:
        """Start the server as our child and wait for it to accept connections."""
        command = [programs.path("postgres"), "-D", str(self.data)]
        command += ["-k", str(socket_folder(self.home))]
        settings = SETTINGS | (THROW_AWAY if self.is_throw_away else {})
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            with self.log.open("wb") as log:
                self._server = subprocess.Popen(  # noqa: S603 -- the wheel's program
                    command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # A session of its own: Ctrl-C is for our other children first.
                    start_new_session=True,
                    preexec_fn=tie_to_parent(signal.SIGINT),  # noqa: PLW1509 -- prepared
                    **programs.options(),
                )
            while self.is_running and time.monotonic() < deadline:
                if socket_answers(programs, self.home):
                    return
                time.sleep(0.05)
            words = self.last_words()
            # Sessions of a killed server hold its memory for a moment longer.
            if "still in use" not in words or time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {words}")
            time.sleep(0.2)


def socket_answers(programs: Programs, home: Path) -> bool:
    """Whether a server accepts sessions on the socket of `home`."""
    place = f"--host={socket_folder(home)}"
    return programs.run("pg_isready", "--quiet", place).returncode == 0
