"""Clients of several tenants at once, each with a connection and a pace of its own."""

import http.client
import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from embeddings.bench.load import PATIENCE_S, BadAnswerError

#: What asks to come again later; anything else but 200 is a failure.
BUSY = frozenset({429, 503})
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one tenant asks for: requests of these texts in turn, `tokens_per_s` of all.

    A connection sends its next request once it is answered, and not before it is due;
    without a pace, at once.
    """

    key: str
    connections: int
    requests: Sequence[Sequence[str]]
    tokens_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Served:
    """One answer: when it came (seconds of the run), how long it took, its tokens."""

    at_s: float
    seconds: float
    tokens: int


@dataclass(slots=True)
class Got:
    """What one tenant got: its answers, and how often it was sent away."""

    served: list[Served] = field(default_factory=list)
    refused: int = 0

    def tokens_per_s(self, *, since_s: float, until_s: float) -> float:
        """Tokens of the answers in a stretch of the run, per second."""
        tokens = sum(one.tokens for one in self.served if since_s <= one.at_s < until_s)
        return tokens / (until_s - since_s)

    def latencies(self, *, since_s: float) -> list[float]:
        """Seconds of each answer that came after so much of the run."""
        return [one.seconds for one in self.served if one.at_s >= since_s]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where embeddings are asked for, in OpenAI's shape, for how long."""

    url: str
    model: str
    seconds: float


def compete(target: Target, demands: Sequence[Demand]) -> list[Got]:
    """What each tenant got of a server that all of them asked at once.

    Raises `BadAnswerError`.
    """
    found = [Got() for _ in demands]
    failures: list[BadAnswerError] = []
    started = time.perf_counter()

    def work(demand: Demand, number: int, got: Got) -> None:
        try:
            _ask(target, demand, number=number, got=got, started=started)
        except (OSError, http.client.HTTPException) as error:
            failures.append(BadAnswerError(f"{target.url}: {error!r}"))
        except BadAnswerError as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(demand, number, got))
        for demand, got in zip(demands, found, strict=True)
        for number in range(demand.connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return found


def _ask(
    target: Target, demand: Demand, *, number: int, got: Got, started: float
) -> None:
    """One connection's requests until time is up."""
    parts = urlsplit(target.url)
    bodies = [_body(target.model, texts) for texts in demand.requests]
    headers = {
        "Authorization": f"Bearer {demand.key}",
        "Content-Type": "application/json",
    }
    # Neighbours begin with different texts, and at different times.
    turns = itertools.islice(itertools.cycle(bodies), number, None)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    due, pause = started, 0.0
    try:
        for body in turns:
            # What is due later than that is not waited for.
            if max(due, time.perf_counter()) - started >= target.seconds:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            sent_at = time.perf_counter()
            connection.request("POST", parts.path, body, headers)
            answer = connection.getresponse()
            content, now = answer.read(), time.perf_counter()
            if answer.status == OK:
                tokens = int(orjson.loads(content)["usage"]["prompt_tokens"])
                got.served.append(Served(now - started, now - sent_at, tokens))
                if demand.tokens_per_s:
                    pause = tokens * demand.connections / demand.tokens_per_s
            elif answer.status in BUSY:
                got.refused += 1
                pause = float(answer.headers.get("Retry-After", 1))
            else:
                raise BadAnswerError(content[:500].decode("utf-8", "replace"))
            due = max(now, sent_at + pause)
    finally:
        connection.close()


def _body(model: str, texts: Sequence[str]) -> bytes:
    """A request as OpenAI's own client writes it."""
    return orjson.dumps({"model": model, "input": texts, "encoding_format": "base64"})
