"""A platform to be measured and thrown away: its database, tenant, key and folder."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from embedded.postgres import Cluster
from embeddings.engine.spec import Truncate

DATABASE = "bench"


class ScratchError(Exception):
    """There can be no platform to measure; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """One database, one folder, one tenant's key."""

    folder: Path
    database_url: str
    environment: dict[str, str]
    key: str

    def metered(self) -> tuple[int, int]:
        """Requests and texts in the ledger."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(texts), 0) FROM accounts_usageevent"
                " WHERE status = 200"
            ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)


@contextmanager
def scratch(
    *, database_url: str, data_dir: Path, models_dir: Path
) -> Iterator[Scratch]:
    """A prepared platform beside the one of `database_url`; gone afterwards.

    Without a URL an embedded server of its own runs, with files below `data_dir`, so
    that commits cost what they cost there. Raises `ScratchError`,
    `EmbeddedPostgresError`.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=data_dir) as name:
        folder = Path(name)
        # The server's account passes through, and sees nothing.
        folder.chmod(0o711)
        with _database(database_url, folder) as url:
            yield _prepared(url, folder=folder, models_dir=models_dir)


@contextmanager
def _database(beside: str, folder: Path) -> Iterator[str]:
    if beside:
        name = f"{DATABASE}_{os.getpid()}"
        with _created(beside, name) as url:
            yield url
        return
    cluster = Cluster(home=folder / "postgres")
    try:
        cluster.start()
        cluster.create_database(DATABASE)
        yield cluster.url(DATABASE)
    finally:
        cluster.stop()


@contextmanager
def _created(beside: str, name: str) -> Iterator[str]:
    """A database that exists as long as the context."""
    identifier = sql.Identifier(name)
    try:
        with psycopg.connect(beside, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    except psycopg.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise ScratchError(f"no database could be made for it: {reason}") from error
    try:
        yield urlunsplit(urlsplit(beside)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(beside, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier)
            connection.execute(drop)


def _prepared(url: str, *, folder: Path, models_dir: Path) -> Scratch:
    """Migrate, and make the demo tenant with its key, as a first start does."""
    environment = os.environ | {
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "MODELS_DIR": str(models_dir),
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "django", "prepare", "--demo"],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ScratchError(f"the scratch platform is not ready: {done.stderr.strip()}")
    # Long texts are cut for all contenders; this wire would refuse them.
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE embeddings_embeddingmodel SET over_length = %s", [Truncate.END]
        )
    return Scratch(
        folder=folder,
        database_url=url,
        environment=environment,
        key=(folder / "demo-key").read_text("utf-8").strip(),
    )
