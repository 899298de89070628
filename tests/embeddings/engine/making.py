"""Specs, calls and fake models for the engine's tests."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from embeddings.engine import Call, ModelSpec, Output, TokenRow, layout

#: More than anything takes; no test should ever wait for it.
PATIENCE_S = 30.0


def make_spec(folder, **changes):
    """A model folder's spec, as registration would write it."""
    facts = {
        "name": folder.name,
        "source": folder,
        "family": "encoder",
        "outputs": frozenset({Output.DENSE}),
        "dimensions": 384 if folder.name == "model" else 32,
        "max_tokens": layout.max_tokens(folder),
        "prompts": layout.prompts(folder),
    }
    return ModelSpec(**{**facts, **changes})


def make_call(**changes):
    """A call that can wait."""
    facts = {"tenant": "someone", "deadline": time.monotonic() + PATIENCE_S}
    return Call(**{**facts, **changes})


def make_row(length, *, value=1):
    """A text of so many tokens, all of one value."""
    return TokenRow(np.full(length, value, dtype=np.int64))


class FakeOutOfMemoryError(Exception):
    """What a fake model raises when a batch is too large for it."""


class FakeDeviceLostError(Exception):
    """What a fake model raises when its device is gone."""


def is_out_of_memory(error):
    return isinstance(error, FakeOutOfMemoryError)


def is_device_lost(error):
    return isinstance(error, FakeDeviceLostError)


@dataclass
class FakeModel:
    """Vectors (rows, 2): the first token and the length; fails as it is told.

    `gate`, while cleared, keeps batches from ending; `poison` and `nan` are first
    tokens that make a batch fail, or one vector not finite. `failure` is raised by
    every batch, `on_embed` called by each, `on_close` at the end.
    """

    dimensions: int = 2
    is_normalized: bool = False
    most_tokens: int = 10**9
    poison: int = -1
    nan: int = -2
    gate: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    batches: list = field(default_factory=list)
    failure: Exception | None = None
    on_embed: Callable[[], None] = lambda: None
    on_close: Callable[[], None] = lambda: None
    is_closed: bool = False

    def __post_init__(self):
        self.gate.set()

    def embed(self, rows):
        assert not self.is_closed
        self.batches.append([len(row.ids) for row in rows])
        self.started.set()
        assert self.gate.wait(PATIENCE_S)
        self.on_embed()
        if self.failure is not None:
            raise self.failure
        if max(len(row.ids) for row in rows) * len(rows) > self.most_tokens:
            raise FakeOutOfMemoryError
        values = [[row.ids[0], len(row.ids)] for row in rows]
        if any(first == self.poison for first, _ in values):
            raise ValueError("a bad text")
        vectors = np.array(values, dtype=np.float32)
        vectors[vectors[:, 0] == self.nan] = np.nan
        return list(vectors)

    def is_out_of_memory(self, error):
        return is_out_of_memory(error)

    def close(self):
        self.is_closed = True
        self.on_close()


def start(*calls):
    """Run each call in a thread of its own; `join` gives what it returned or raised."""
    return [Running(call) for call in calls]


class Running:
    """A call in a thread."""

    def __init__(self, call):
        self.result = None
        self._call = call
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self.result = self._call()
        except Exception as error:  # noqa: BLE001 - handed to the test that joins
            self.result = error

    def join(self):
        """What came of it; fails the test where nothing does."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.result


def until(condition):
    """Wait until a condition holds that another thread makes true."""
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at
        threading.Event().wait(0.001)
