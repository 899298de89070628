"""The web server with a model that costs next to nothing."""

import itertools
import time

import orjson

from embeddings.bench.arithmetic import percentile
from embeddings.bench.load import drive
from embeddings.bench.metering.trials import Speed
from embeddings.bench.plan import Contender, Kind
from embeddings.bench.scratch import Scratch
from embeddings.bench.server import Gunicorn

MODEL = "Chroma/BM25"
PROCESSES = 4
CLIENTS = 32


def over_http(platform: Scratch, *, seconds: float) -> Speed:
    """Clients that each wait for their answer: one word, BM25, Chroma's wire."""
    contender = Contender(
        name="web", kind=Kind.SERVER, runtime="torch", processes=PROCESSES
    )
    server = Gunicorn(contender, MODEL, platform=platform)
    try:
        server.wait_until_ready()
        _drive(server, seconds=1.0)
        started = time.perf_counter()
        times = _drive(server, seconds=seconds)
        took = time.perf_counter() - started
    finally:
        server.close()
    return Speed(
        requests_per_s=len(times) / took,
        p50_ms=1e3 * percentile(times, 50),
        p95_ms=1e3 * percentile(times, 95),
        unavailable=0,
    )


def _drive(server: Gunicorn, *, seconds: float) -> list[float]:
    host, port = server.endpoint.address
    body = orjson.dumps({"texts": ["word"], "task": "", "target": ""})
    lines = [
        "POST /embed_sparse HTTP/1.1",
        f"Host: {host}:{port}",
        f"x-chroma-token: {server.endpoint.key}",
        f"x-chroma-embedding-model: {MODEL}",
        f"Content-Length: {len(body)}",
    ]
    request = "\r\n".join([*lines, "", ""]).encode("ascii") + body
    ends_at = time.perf_counter() + seconds
    until = itertools.takewhile(
        lambda _: time.perf_counter() < ends_at, itertools.repeat(request)
    )
    return [one.seconds for one in drive(server.endpoint, until, clients=CLIENTS)]
