"""The trials: how many, how fast, how exact, and what a kill leaves behind."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg

from accounts.quotas import KINDS
from embeddings.bench.arithmetic import percentile
from embeddings.bench.metering.crew import Worker
from embeddings.bench.scratch import Scratch

#: More than anybody uses in a trial.
PLENTY = 10**15
WORKERS = 4
CLIENTS = 64
#: Tokens of a quota that is used up, and of the largest request.
LIMIT, LARGEST = 20_000, 400
KILL_EVERY_S = 2.0
#: What the dead held is back after so long at the latest.
REST_S = 60.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Requests per second, and what each took in ms."""

    requests_per_s: float
    p50_ms: float
    p95_ms: float
    unavailable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactness:
    """Runs in which clients used a quota up: how often it was overshot, or not usable
    to its end.
    """

    runs: int
    limit: int
    overshot: int
    unusable: int
    wrongly_refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """What was served while processes were killed, and what the books say of it."""

    kills: int
    answered: int
    missing: int
    doubled: int
    held: int
    differences: int
    seconds_to_rest: float


def speed(
    workers: Sequence[Worker], *, seconds: float, threads: int, rate: float = 0.0
) -> Speed:
    """All workers for one tenant with a quota of every kind; `rate` is that of all."""
    key = _tenant(workers[0], {kind.code: PLENTY for kind in KINDS})
    plan = {"key": key, "threads": threads, "tokens": [1, 400]}
    _run_all(workers, **plan, seconds=0.5)
    found = _run_all(workers, **plan, seconds=seconds, rate=rate / len(workers))
    latencies = [s for one in found for s in one["latencies"]]
    return Speed(
        requests_per_s=sum(len(one["latencies"]) / one["seconds"] for one in found),
        p50_ms=1e3 * percentile(latencies, 50),
        p95_ms=1e3 * percentile(latencies, 95),
        unavailable=sum(one["unavailable"] for one in found),
    )


def exactness(workers: Sequence[Worker], *, runs: int, tell: Tell) -> Exactness:
    """Clients of random sizes use up a quota, which then is used to its last token."""
    outcomes: Counter[str] = Counter()
    for number in range(runs):
        tell(f"quota of {LIMIT:,}: run {number + 1} of {runs}")
        key = _tenant(workers[0], {"tokens-month": LIMIT})
        found = _run_all(
            workers,
            key=key,
            threads=CLIENTS // len(workers),
            tokens=[1, LARGEST],
            seconds=60.0,
            until_refused=True,
            seed=number,
        )
        rest = LIMIT - sum(one["tokens"] for one in found)
        outcomes["overshot"] += rest < 0
        outcomes["refused"] += rest >= LARGEST
        last = _one(workers[-1], key=key, tokens=rest) if rest > 0 else True
        outcomes["unusable"] += not (last and not _one(workers[0], key=key, tokens=1))
    return Exactness(
        runs=runs,
        limit=LIMIT,
        overshot=outcomes["overshot"],
        unusable=outcomes["unusable"],
        wrongly_refused=outcomes["refused"],
    )


def survival(platform: Scratch, *, seconds: float, tell: Tell) -> Survival:
    """Load while random workers are killed; then nothing may be lost, doubled, held."""
    chance = Random(1)  # noqa: S311 -- to be repeated
    workers = [Worker(platform) for _ in range(WORKERS)]
    key = _tenant(workers[0], {kind.code: PLENTY for kind in KINDS})
    plan = {"key": key, "threads": 8, "tokens": [1, 400], "tells_events": True}
    told: list[str] = []
    ends_at, kills = time.monotonic() + seconds, 0
    for worker in workers:
        worker.send("run", **plan, seconds=seconds)
    while time.monotonic() + KILL_EVERY_S < ends_at:
        time.sleep(KILL_EVERY_S)
        place = chance.randrange(WORKERS)
        tell(f"kill -9, {ends_at - time.monotonic():.0f} s left")
        for worker in workers:
            told += worker.events()
        told += workers[place].kill()
        kills += 1
        workers[place] = Worker(platform)
        workers[place].send(
            "run", **plan, seconds=max(0.1, ends_at - time.monotonic()), seed=kills
        )
    for worker in workers:
        worker.answer()
        told += worker.events()
    books, seconds_to_rest = _at_rest(workers[0])
    for worker in workers:
        told += worker.close()
    rows = _rows(platform)
    return Survival(
        kills=kills,
        answered=len(told),
        missing=sum(rows[event] == 0 for event in told),
        doubled=sum(count > 1 for count in rows.values()),
        held=books["held"],
        differences=books["differences"],
        seconds_to_rest=seconds_to_rest,
    )


def _at_rest(worker: Worker) -> tuple[dict[str, Any], float]:
    """Wait until nothing is held any more, or until it should not be."""
    started = time.monotonic()
    while True:
        books = worker.ask("check")
        seconds = time.monotonic() - started
        if not books["held"] or seconds > REST_S:
            return books, seconds
        time.sleep(0.5)


def _rows(platform: Scratch) -> Counter[str]:
    """How often each served event is in the ledger, corrections against it."""
    with psycopg.connect(platform.database_url) as connection:
        found = connection.execute(
            "SELECT coalesce(ref_event, event_id)::text,"
            " sum(CASE WHEN kind = 3 THEN -1 ELSE 1 END)"
            " FROM accounts_usageevent WHERE status = 200 OR kind = 3 GROUP BY 1"
        ).fetchall()
    return Counter({event: int(count) for event, count in found})


def _tenant(worker: Worker, quotas: dict[str, int]) -> str:
    slug = f"bench-{time.time_ns()}"
    return str(worker.ask("tenant", slug=slug, quotas=quotas)["key"])


def _run_all(workers: Sequence[Worker], **plan: Any) -> list[dict[str, Any]]:
    for number, worker in enumerate(workers):
        worker.send("run", **plan | {"seed": 1000 * plan.get("seed", 0) + number})
    return [worker.answer() for worker in workers]


def _one(worker: Worker, *, key: str, tokens: int) -> bool:
    """Whether one request of so many tokens is served."""
    found = worker.ask(
        "run",
        key=key,
        threads=1,
        seconds=60.0,
        tokens=[tokens, tokens],
        requests=1,
    )
    return bool(found["latencies"])
