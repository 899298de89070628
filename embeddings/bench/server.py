"""Servers as contenders: ours, started as it is deployed, and one that runs already."""

import itertools
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from embeddings.bench import machine
from embeddings.bench.arithmetic import percentile
from embeddings.bench.embedders import timed
from embeddings.bench.load import Answer, BadAnswerError, Endpoint, drive
from embeddings.bench.plan import Contender, Figure, Row, Workload
from embeddings.bench.scratch import Scratch, ScratchError
from embeddings.engine.machine import usable_cores
from embeddings.engine.spec import Floats

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0
#: Clients that share the bulk: enough that the server never waits for one.
BULK_CLIENTS = 4


class Served:
    """A server that speaks OpenAI's shape; what was answered is counted."""

    def __init__(self, contender: Contender, endpoint: Endpoint) -> None:
        self.contender = contender
        self.endpoint = endpoint
        self.sent_requests = 0
        self.sent_texts = 0
        self._workload: Workload | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes where they are ours."""
        return ()

    @property
    def peak_bytes(self) -> int | None:
        """The most memory its processes have had, together."""
        found = [machine.peak_bytes(pid) for pid in self.pids]
        return sum(filter(None, found)) or None

    def prepare(self, workload: Workload) -> None:
        """Take the texts over."""
        self._workload = workload

    def measure(self, row: Row) -> dict[Figure, float]:
        """The figures of one row, measured once; raises `BadAnswerError`."""
        workload = self._workload
        if workload is None:
            raise RuntimeError("texts come first")
        match row:
            case Row.BULK:
                seconds = timed(
                    lambda: self._answers(workload.requests, clients=BULK_CLIENTS)
                )
                return {
                    Figure.BULK: len(workload.paragraphs) / seconds,
                    Figure.TOKENS: sum(workload.tokens) / seconds,
                }
            case Row.SHORT:
                texts = _singles(workload.short, workload.short_repeats)
                return {Figure.SHORT: 1e3 * self._median_s(texts)}
            case Row.REQUEST:
                texts = [workload.request] * workload.request_repeats
                return {Figure.REQUEST: 1e3 * self._median_s(texts)}
            case Row.CLIENTS:
                return self._measure_clients(workload)
            case _:
                raise ValueError(f"{row} is no row of servers")

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Vectors of texts in their order, asked for in requests of 256."""
        blocks = [tuple(texts[at : at + 256]) for at in range(0, len(texts), 256)]
        answers = self._answers(blocks, clients=1)
        return np.concatenate([_vectors(answer.body) for answer in answers])

    def close(self) -> None:
        """Leave it as it is: it is not ours."""

    def _measure_clients(self, workload: Workload) -> dict[Figure, float]:
        """Requests per second of clients that each wait for their answer."""
        bodies = [self.endpoint.request((text,)) for text in workload.short]
        ends_at = time.perf_counter() + workload.clients_s
        until = itertools.takewhile(
            lambda _: time.perf_counter() < ends_at, itertools.cycle(bodies)
        )
        started = time.perf_counter()
        times = [
            answer.seconds
            for answer in drive(self.endpoint, until, clients=workload.clients)
        ]
        seconds = time.perf_counter() - started
        self.sent_requests += len(times)
        self.sent_texts += len(times)
        return {
            Figure.CLIENTS: len(times) / seconds,
            Figure.CLIENTS_P50: 1e3 * percentile(times, 50),
            Figure.CLIENTS_P99: 1e3 * percentile(times, 99),
        }

    def _median_s(self, requests: Sequence[tuple[str, ...]]) -> float:
        answers = self._answers(requests, clients=1)
        return statistics.median(answer.seconds for answer in answers)

    def _answers(
        self, requests: Sequence[tuple[str, ...]], *, clients: int
    ) -> list[Answer]:
        bodies = iter([self.endpoint.request(texts) for texts in requests])
        answers = sorted(
            drive(self.endpoint, bodies, clients=clients), key=lambda one: one.index
        )
        self.sent_requests += len(answers)
        self.sent_texts += sum(map(len, requests))
        return answers


class Gunicorn(Served):
    """The platform's own web server on a free port of this machine."""

    def __init__(self, contender: Contender, model: str, *, platform: Scratch) -> None:
        port = _free_port()
        url = f"http://127.0.0.1:{port}/v1/embeddings"
        super().__init__(contender, Endpoint(url=url, model=model, key=platform.key))
        self._ready = f"http://127.0.0.1:{port}/readyz"
        self._log = platform.folder / f"web-{port}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own server
                [
                    *(sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn"),
                    *("--workers", str(contender.processes), "config.wsgi"),
                ],
                env=platform.environment
                | {
                    "PORT": str(port),
                    "WEB_BIND": f"127.0.0.1:{port}",
                    "KEEP_ALIVE_S": "-1",
                    **_engine_settings(contender),
                },
                cwd=platform.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pids(self) -> tuple[int, ...]:
        """Its worker processes."""
        return machine.children(self._process.pid)

    def prepare(self, workload: Workload) -> None:
        """Take the texts over, and wait until it serves; raises `ScratchError`."""
        super().prepare(workload)
        self.wait_until_ready()
        # So many connections that every process gets some, and loads the model.
        self.measure(Row.CLIENTS)

    def wait_until_ready(self) -> None:
        """Return when it serves; raises `ScratchError`."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(self._ready):
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text("utf-8", "replace")[-2000:]
                raise ScratchError(f"the web server does not serve: {words}")
            time.sleep(0.1)

    def close(self) -> None:
        """Stop the server."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _engine_settings(contender: Contender) -> dict[str, str]:
    """The settings under which several processes share the cores."""
    found = {
        "ENGINE_RUNTIME": contender.runtime,
        "ENGINE_DEVICE": contender.device,
        "ENGINE_CACHE_DIR": str(contender.cache_folder),
    }
    if contender.processes > 1:
        cores = max(1, usable_cores() // contender.processes)
        name = "ENGINE_THREADS" if contender.runtime == "openvino" else "ENGINE_STREAMS"
        found[name] = str(cores)
    return found


def first_model(url: str) -> str:
    """The name of a server's first model, as GET /models lists it."""
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=10) as answer:  # noqa: S310 -- the operator's own
            return str(orjson.loads(answer.read())["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadAnswerError(f"{url}/models: {error}") from error


def _singles(texts: Sequence[str], count: int) -> list[tuple[str, ...]]:
    return [(text,) for text in itertools.islice(itertools.cycle(texts), count)]


def _vectors(body: bytes) -> Floats:
    rows: Iterator[list[float]] = (
        item["embedding"] for item in orjson.loads(body)["data"]
    )
    return np.array(list(rows), dtype=np.float32)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 -- our own
            return bool(answer.status == 200)  # noqa: PLR2004 -- OK
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
