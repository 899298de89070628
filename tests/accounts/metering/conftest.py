"""Usage to settle, and a database that can be taken away."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.errors import UnavailableError
from accounts.metering import Ask, Meter, Reservation, Usage, ledger
from accounts.metering.script import Script
from accounts.models import IssuedKey, QuotaAccount, UsageEvent
from accounts.quotas import Amounts
from tests import factories
from tests.factories import make_api_key

MakeUsage = Callable[..., Usage]
Reserved = tuple[Reservation, Usage]


@pytest.fixture
def make_usage() -> MakeUsage:
    """Make usages of one new key."""
    keys: list[IssuedKey] = []

    def make(**fields: Any) -> Usage:
        if not keys:
            keys.append(make_api_key())
        return factories.make_usage(keys[0].api_key, **fields)

    return make


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


#: Ends the sessions of meters.
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'metering'
"""


@pytest.fixture
def lost_connections() -> Callable[[], None]:
    """Cut the connections of meters."""
    return lambda: _execute(TERMINATE)


@pytest.fixture
def database_away() -> Callable[[], AbstractContextManager[Callable[[], None]]]:
    """Let nobody but the test reach the database for a while, or until it says so."""

    @contextlib.contextmanager
    def away() -> Iterator[Callable[[], None]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_database())")
            name = cursor.fetchone()[0]

        def allow(*, connections: bool) -> None:
            # Not possible from within the database itself.
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {connections}")

        allow(connections=False)
        _execute(TERMINATE)
        try:
            yield lambda: allow(connections=True)
        finally:
            allow(connections=True)

    return away


@pytest.fixture
def ask_for() -> Callable[..., Ask]:
    """Ask for what a usage will use, and more where more is given."""

    def ask_for(usage: Usage, **more: int) -> Ask:
        amounts = {"requests": 1, "tokens": max(usage.tokens, 0), "concurrent": 1}
        amounts |= {"nanos": usage.list_nanos}
        return Ask(
            tenant_id=usage.tenant_id,
            api_key_id=usage.api_key_id,
            model=usage.model,
            amounts=Amounts(**{**amounts, **more}),
            occurred_at=usage.occurred_at,
        )

    return ask_for


@pytest.fixture
def charge(ask_for: Callable[..., Ask]) -> Callable[[Meter, Usage], None]:
    """Admit and settle a usage."""

    def charge(meter: Meter, usage: Usage) -> None:
        meter.settle(meter.admit(ask_for(usage)), usage)

    return charge


@pytest.fixture
def reserve_all(ask_for: Callable[..., Ask]) -> Callable[..., list[Reserved]]:
    """Admit usages one by one; each with what it holds."""

    def reserve_all(meter: Meter, usages: list[Usage]) -> list[Reserved]:
        return [(meter.admit(ask_for(usage)), usage) for usage in usages]

    return reserve_all


@pytest.fixture
def balance() -> Callable[[], dict[str, int]]:
    """What is used, by the code of each tenant's kind, in the periods of now."""

    def balance() -> dict[str, int]:
        now = timezone.now()
        return {
            account.kind: account.used
            for account in QuotaAccount.objects.filter(api_key=None)
            if account.period_start <= now
            and (account.period_end is None or now < account.period_end)
        }

    return balance


class Gate:
    """Holds the writer of the ledger up until it is opened."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.is_reached = threading.Event()
        self.opened = threading.Event()

    def record(self, usages: Sequence[Usage], *, script: Script) -> None:
        """Write as the ledger does, once the gate is open."""
        self.is_reached.set()
        assert self.opened.wait(5)
        self.sizes.append(len(usages))
        self.write(usages, script=script)

    write = staticmethod(ledger.record)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A closed gate before the ledger."""
    gate = Gate()
    monkeypatch.setattr(ledger, "record", gate.record)
    return gate


@pytest.fixture
def meter() -> Iterator[Meter]:
    """A meter as in the product."""
    meter = Meter()
    yield meter
    meter.close()


@pytest.fixture
def hasty() -> Iterator[Meter]:
    """A meter that gives a settlement up after a moment."""
    meter = Meter(timeout_s=0.3)
    yield meter
    meter.close()


@pytest.fixture
def billed() -> Callable[[], int]:
    """The tokens in the ledger."""
    return lambda: UsageEvent.objects.aggregate(tokens=Sum("tokens"))["tokens"] or 0


@pytest.fixture
def settle_all(charge: Callable[[Meter, Usage], None]) -> Callable[..., list[Usage]]:
    """Admit and settle from many threads; returns those that were refused."""

    def settle_all(meter: Meter, usages: list[Usage], *, threads: int) -> list[Usage]:
        def settle(usage: Usage) -> Usage | None:
            try:
                charge(meter, usage)
            except UnavailableError:
                return usage
            return None

        with ThreadPoolExecutor(threads) as pool:
            return [usage for usage in pool.map(settle, usages) if usage]

    return settle_all


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Poll a condition of another thread; the bound only matters on failure."""

    def wait_until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5.0
        while not condition():
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)

    return wait_until
