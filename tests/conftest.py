"""What every test runs under: offline, and a database that can be flushed."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.cache import caches
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from pytest_django import Settings
from xdist.scheduler import LoadScopeScheduling

from config.cache_options import RATE_LIMITS
from tests.operators import (  # noqa: F401 -- fixtures are found by name
    plain_static_files,
    quick_passwords,
    root,
    staff,
    superuser,
)

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"

# One test's OpenMP team must not fight another's for the cores.
os.environ["OMP_NUM_THREADS"] = "1"

LOOPBACK = ("127.", "::1", "localhost")
#: Tests of the live server, and those whose later runs need what earlier ones left.
TOGETHER = (
    "tests/clients/",
    "tests/config/test_supervisor.py",
    "tests/embedded/test_postgres.py",
)


class LiveTogether(LoadScopeScheduling):
    """Spreads tests one by one, but gives those that share something to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LiveTogether:
    """The scheduler of this suite, whatever --dist says."""
    return LiveTogether(config, log)


@pytest.fixture(scope="session", autouse=True)
def stays_on_this_machine() -> Iterator[None]:
    """Refuse every connection that would leave the machine."""

    def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
        def connect_to(self: socket.socket, address: Any) -> Any:
            is_inet = self.family in {socket.AF_INET, socket.AF_INET6}
            if is_inet and not str(address[0]).startswith(LOOPBACK):
                raise PermissionError(f"a test may not connect to {address}")
            return connect(self, address)

        return connect_to

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield


@pytest.fixture
def field_keys(settings: Settings) -> list[str]:
    """A key for the secrets in the database, newest first as in the setting."""
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    return settings.FIELD_KEYS


@pytest.fixture(autouse=True)
def nothing_is_counted_yet() -> None:
    """Begin each test with its address and its names unknown to the rate limits."""
    caches[RATE_LIMITS].clear()


@pytest.fixture(scope="session", autouse=True)
def ledger_can_be_flushed() -> Iterator[None]:
    """Let the flush after a transactional test past the append-only ledger's triggers.

    The revision stays and moves on: a process that cached rows of one test must not
    find the number it knows in the next.
    """

    def execute_sql_flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        connection = self.connection
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("SELECT coalesce(max(number), 0) FROM accounts_revision")
            number = cursor.fetchone()[0]
            for statement in sql_list:
                cursor.execute(statement)
            cursor.execute(
                "INSERT INTO accounts_revision (id, number) VALUES (1, %s)",
                [number + 1],
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
