"""A real server on a real database, set up with the operator's own commands."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
MODEL = "all-MiniLM-L6-v2"


@dataclass(kw_only=True)
class LiveServer:
    """gunicorn as it is deployed, on a port and a database of its own."""

    database_url: str
    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    key: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.data_dir / "web.log").read_text("utf-8", "replace")

    @property
    def environment(self) -> dict[str, str]:
        # Nothing but what an operator sets: the server finds its settings itself.
        inherited = dict(os.environ)
        inherited.pop("DJANGO_SETTINGS_MODULE", None)
        return inherited | {
            "DATABASE_URL": self.database_url,
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            # All tests call from one address.
            "RATE_FAILED_KEYS": "1000000/60",
            **self.settings,
        }

    def manage(self, *arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data_dir,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def set_up(self, tenant: str = "acme") -> None:
        self.manage("prepare")
        self.key = self.add_tenant(tenant)

    def add_tenant(self, slug: str) -> str:
        self.manage("create_tenant", slug)
        self.manage("grant_model", slug, MODEL, "--default")
        answer = self.manage("create_api_key", slug, "--json")
        return str(json.loads(answer)["key"])

    def start(self) -> None:
        self.port = self.port or free_port()
        with (self.data_dir / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn"),
                    *("-c", "python:config.gunicorn", "config.wsgi"),
                ],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT / "platform",
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=30) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        finally:
            self.process.kill()
            self.process.wait()

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement, parameters).fetchall()

    def ledger(self, request_id: str) -> list[tuple[object, ...]]:
        return self.query(
            "SELECT status, texts, tokens, model, wire FROM accounts_usageevent"
            " WHERE event_id = %s",
            request_id,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_database(url: str, name: str) -> str:
    """Create a database beside the one of `url` and return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return url.rpartition("/")[0] + f"/{name}"
