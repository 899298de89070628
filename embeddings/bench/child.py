"""Contenders in processes of their own: fresh memory, their own threads."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, cast

from embeddings.bench import machine
from embeddings.bench.embedders import Embedder, make_embedder, measure_embedder
from embeddings.bench.plan import Contender, Figure, Kind, Row, Subject, Workload
from embeddings.bench.products import measure_products
from embeddings.engine.spec import Floats

#: For a process to leave once it is told to.
END_S = 10.0


class ContenderError(Exception):
    """A contender failed; the message says which, and how."""


class Child:
    """A contender in a process, which starts at once and is asked over a pipe."""

    def __init__(self, contender: Contender, subject: Subject) -> None:
        self.contender = contender
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, contender, subject), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process, as the system knows it."""
        return (cast("int", self._process.pid),)

    @property
    def peak_bytes(self) -> int | None:
        """The most memory it has had so far."""
        (pid,) = self.pids
        return machine.peak_bytes(pid)

    def prepare(self, workload: Workload) -> None:
        """Hand over the texts."""
        self._ask("prepare", workload)

    def measure(self, row: Row) -> dict[Figure, float]:
        """The figures of one row, measured once; raises `ContenderError`."""
        return cast("dict[Figure, float]", self._ask("measure", row))

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Vectors of texts, in their order; raises `ContenderError`."""
        return cast("Floats", self._ask("vectors", tuple(texts)))

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, what: str, value: object) -> object:
        try:
            self._pipe.send((what, value))
            failure, found = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise ContenderError(f"{self.contender.name} died") from error
        if failure:
            raise ContenderError(f"{self.contender.name}: {failure}")
        return cast("object", found)


class _Worker:
    """What answers in the process; its names are the questions."""

    def __init__(self, contender: Contender, subject: Subject) -> None:
        self._contender = contender
        self._embedder: Embedder | None = None
        if contender.kind is not Kind.CEILING:
            self._embedder = make_embedder(contender, subject)
        self._workload: Workload | None = None

    def prepare(self, workload: Workload) -> None:
        self._workload = workload

    def measure(self, row: Row) -> dict[Figure, float]:
        if self._workload is None:
            raise RuntimeError("texts come first")
        if self._embedder is None:
            return measure_products(self._contender.device, self._workload.side)
        return measure_embedder(self._embedder, row, self._workload)

    def vectors(self, texts: Sequence[str]) -> Floats:
        if self._embedder is None:
            raise RuntimeError("matrix products embed nothing")
        return self._embedder.embed(texts)


def serve(pipe: Connection, contender: Contender, subject: Subject) -> None:
    """Answer questions until the other end hangs up; failures are answers, too."""
    worker: _Worker | None = None
    while True:
        try:
            what, value = pipe.recv()
        except EOFError:
            return
        try:
            worker = worker or _Worker(contender, subject)
            answer: Any = ("", getattr(worker, what)(value))
        # Whatever a contender's library raises, the table names it.
        except BaseException as error:  # noqa: BLE001
            answer = (f"{error}" or type(error).__name__, None)
        try:
            pipe.send(answer)
        except OSError:
            return
