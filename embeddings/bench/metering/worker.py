"""One process that admits and settles for nothing: a serving process without a model.

It takes commands as lines of JSON and answers each with one.
"""

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from django.db import connection
from django.db.models import Sum

from accounts.authentication import caller_of
from accounts.errors import RateLimitedError, UnavailableError
from accounts.metering import Ask, Usage, close_meter, get_meter
from accounts.models import ApiKey, InFlight, Quota, Tenant
from accounts.quotas import Amounts
from accounts.reconciliation import reconcile

#: Where served events are told, for those who watch for every one of them.
EVENTS_FD = 2


@dataclass(kw_only=True)
class Run:
    """A command to work: `rate` in requests per second, 0 for as many as can be.

    Each thread ends after `seconds`, after `requests` unless 0, or when it is refused
    if `until_refused`.
    """

    key: str
    threads: int
    seconds: float
    tokens: tuple[int, int] = (1, 1)
    rate: float = 0.0
    requests: int = 0
    until_refused: bool = False
    tells_events: bool = False
    seed: int = 0


@dataclass
class Counts:
    """What one thread did; latencies of what was served are in seconds."""

    served_tokens: int = 0
    refused: int = 0
    unavailable: int = 0
    latencies: list[float] = field(default_factory=list)


def main() -> None:
    """Serve commands until there are no more."""
    commands: dict[str, Callable[..., dict[str, Any]]] = {
        "tenant": make_tenant,
        "run": run,
        "check": check,
    }
    for line in sys.stdin:
        command = json.loads(line)
        answer = commands[command.pop("do")](**command)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    close_meter()


def make_tenant(*, slug: str, quotas: dict[str, int]) -> dict[str, Any]:
    """A new tenant with quotas by kind; the secret of its key."""
    tenant = Tenant.objects.create(slug=slug, name=slug)
    for kind, amount in quotas.items():
        Quota.objects.create(tenant=tenant, kind=kind, amount=amount)
    return {"key": ApiKey.objects.issue(tenant=tenant, name="bench").secret}


def run(**options: Any) -> dict[str, Any]:
    """Admit and settle with many threads; what was served, refused, how fast."""
    plan = Run(**options)
    counts = [Counts() for _ in range(plan.threads)]
    threads = [
        threading.Thread(target=_client, args=(plan, number, counts[number]))
        for number in range(plan.threads)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "seconds": time.perf_counter() - started,
        "tokens": sum(one.served_tokens for one in counts),
        "refused": sum(one.refused for one in counts),
        "unavailable": sum(one.unavailable for one in counts),
        "latencies": [round(s, 6) for one in counts for s in one.latencies],
    }


def check() -> dict[str, Any]:
    """What is held, and accounts that say something else than the ledger."""
    held = InFlight.objects.aggregate(held=Sum("amount"))["held"] or 0
    found = reconcile(datetime.now(UTC))
    return {
        "held": int(held),
        "differences": found.differences + found.account_differences,
    }


def _client(plan: Run, number: int, counts: Counts) -> None:
    chance = Random(f"{plan.seed} {number}")  # noqa: S311 -- to be repeated
    for _ in _ticks(plan, number):
        started = time.perf_counter()
        try:
            tokens, event_id = _serve(plan, chance)
        except RateLimitedError:
            counts.refused += 1
            if plan.until_refused:
                break
        except UnavailableError:
            counts.unavailable += 1
        else:
            counts.served_tokens += tokens
            counts.latencies.append(time.perf_counter() - started)
            if plan.tells_events:
                os.write(EVENTS_FD, f"{event_id}\n".encode())
    connection.close()


def _ticks(plan: Run, number: int) -> Iterator[None]:
    """One tick for each request: at even intervals, or as soon as it may."""
    ends_at = time.perf_counter() + plan.seconds
    interval = plan.threads / plan.rate if plan.rate else 0.0
    first = time.perf_counter() + interval * number / plan.threads
    for turn in itertools.count():
        if interval:
            time.sleep(max(0.0, first + turn * interval - time.perf_counter()))
        if time.perf_counter() > ends_at or turn == (plan.requests or None):
            return
        yield


def _serve(plan: Run, chance: Random) -> tuple[int, str]:
    """Authenticate, admit and settle one request; its tokens and its event's id."""
    caller = caller_of(plan.key)
    amounts = Amounts(requests=1, tokens=chance.randint(*plan.tokens), concurrent=1)
    ask = Ask(
        tenant_id=caller.tenant_id,
        api_key_id=caller.api_key_id,
        model="none",
        amounts=amounts,
        occurred_at=datetime.now(UTC),
    )
    reservation = get_meter().admit(ask)
    usage = Usage(
        tenant_id=ask.tenant_id,
        api_key_id=ask.api_key_id,
        model=ask.model,
        wire="bench",
        status=200,
        texts=1,
        tokens=amounts.tokens,
        occurred_at=ask.occurred_at,
        latency_us=0,
    )
    get_meter().settle(reservation, usage)
    return amounts.tokens, str(usage.event_id)
