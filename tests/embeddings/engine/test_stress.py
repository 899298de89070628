"""Everything at once: what the engine promises holds whatever happens."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from embeddings.engine import Call, Engine, EngineConfig, Job, TokenRow, Truncate
from embeddings.engine.batcher import Batcher
from embeddings.engine.errors import EngineError, ForwardError, ModelUnavailableError
from embeddings.engine.pool import ModelPool
from tests.embeddings.engine.making import (
    FakeOutOfMemoryError,
    is_device_lost,
    is_out_of_memory,
    make_spec,
    start,
)

THREADS, ROUNDS, BUDGET = 24, 120, 100
POISON, NAN = 7_000_000, 8_000_000
SIZES = {"a": 40, "b": 40, "c": 40, "d": 30, "tight": 30, "broken": 10}
#: What a test that hangs is told by; nothing here takes so long.
DEADLINE_S = 20.0


@dataclass
class Watch:
    """All models that live, and what was seen of them that must never be."""

    pool: ModelPool | None = None
    batcher: Batcher | None = None

    def __post_init__(self):
        self.lock = threading.Lock()
        self.alive = Counter()
        self.bytes = 0
        self.faults = []

    def expect(self, is_true, what):
        if not is_true:
            self.faults.append(what)

    def is_unlocked(self):
        """Whether this thread holds no lock while a model works."""
        if self.pool._changed._is_owned() or not self.batcher._lock.acquire(timeout=5):
            return False
        self.batcher._lock.release()
        return True

    def open(self, spec):
        self.expect(self.is_unlocked(), "a lock was held during a load")
        with self.lock:
            self.alive[spec.name] += 1
            self.bytes += SIZES[spec.name]
            self.expect(self.bytes <= BUDGET, f"{self.bytes} bytes at once")
        time.sleep(random.random() * 0.003)
        if spec.name == "broken":
            self.forget(spec)
            raise ModelUnavailableError("cut short")
        if random.random() < 0.1:
            self.forget(spec)
            raise FakeOutOfMemoryError
        return Model(spec, self)

    def forget(self, spec):
        with self.lock:
            self.alive[spec.name] -= 1
            self.bytes -= SIZES[spec.name]


class Model:
    """Vectors (2,): the model's number and the text's; fails as its texts say."""

    dimensions = 2
    is_normalized = False

    def __init__(self, spec, watch):
        self.spec, self.watch = spec, watch
        self.number = ord(spec.name[0])
        self.is_closed = False
        self.running = 0

    def embed(self, rows):
        self.watch.expect(not self.is_closed, "a closed model ran")
        self.watch.expect(self.watch.is_unlocked(), "a lock was held during a batch")
        with self.watch.lock:
            self.running += 1
        try:
            return self._vectors(rows)
        finally:
            with self.watch.lock:
                self.running -= 1

    def _vectors(self, rows):
        time.sleep(0.0002 * len(rows) ** 0.5)
        padded = max(len(row.ids) for row in rows) * len(rows)
        if self.spec.name == "tight" and padded > 60:
            raise FakeOutOfMemoryError
        firsts = [int(row.ids[0]) for row in rows]
        if any(POISON <= first < NAN for first in firsts):
            raise ValueError("a bad text")
        return [
            np.array([np.nan if first >= NAN else self.number, first], dtype=np.float32)
            for first in firsts
        ]

    def is_out_of_memory(self, error):
        return is_out_of_memory(error)

    def close(self):
        self.watch.expect(not self.running, "a model was closed in use")
        self.watch.expect(not self.is_closed, "a model was closed twice")
        self.is_closed = True
        self.watch.forget(self.spec)


@pytest.fixture
def watch():
    """A pool and a batcher over models that do not fit together."""
    made = Watch()
    made.pool = ModelPool(
        memory_bytes=BUDGET,
        keep_alive_s=300,
        device="cpu",
        size_of=lambda spec: SIZES[spec.name],
        open_model=made.open,
        is_out_of_memory=is_out_of_memory,
    )
    made.batcher = Batcher(
        made.pool,
        streams=3,
        batch_tokens=256,
        queue_tokens=4000,
        is_device_lost=is_device_lost,
    )
    yield made
    made.batcher.close(drain_s=1)
    made.pool.close(timeout_s=5)


class Caller:
    """One thread's requests, all by its own chance."""

    def __init__(self, watch, spec, number):
        self.watch, self.spec, self.number = watch, spec, number
        self.random = random.Random(number)
        self.outcomes = Counter()

    def run(self):
        for turn in range(ROUNDS):
            self._request(turn)
        return self.outcomes

    def _request(self, turn):
        chance = self.random
        name = chance.choice(["a", "b", "c", "d", "tight", "broken"])
        spec = replace(self.spec, name=name, family=name)
        if chance.random() < 0.03:
            self.watch.pool.unload(spec)
        values = [
            (self.number * ROUNDS + turn) * 32 + place
            for place in range(chance.randint(1, 20))
        ]
        is_bad = chance.random() < 0.1
        if is_bad:
            values[chance.randrange(len(values))] += chance.choice([POISON, NAN])
        rows = [_row(value, chance.randint(1, 70)) for value in values]
        began = time.monotonic()
        try:
            with self.watch.pool.lease(spec, self._call(chance)) as resident:
                vectors = self.watch.batcher.submit(resident, rows, self._call(chance))
        except EngineError as error:
            self._failed(error, is_bad=is_bad)
        else:
            found = [(int(one[0]), int(one[1])) for one in vectors]
            expected = [(ord(name[0]), value) for value in values]
            self.watch.expect(found == expected, "vectors of other texts")
            self.watch.expect(not is_bad, "a bad text got a vector")
            self.outcomes["served"] += 1
        took_s = time.monotonic() - began
        self.watch.expect(took_s < DEADLINE_S, "a request hung")

    def _failed(self, error, *, is_bad):
        self.outcomes[type(error).__name__] += 1
        is_innocent = isinstance(error, ForwardError) and not is_bad
        self.watch.expect(not is_innocent, f"a good text failed: {error}")

    def _call(self, chance):
        patience_s = chance.choice([0.01, DEADLINE_S, DEADLINE_S, DEADLINE_S])
        return Call(
            tenant=f"tenant-{self.number % 5}",
            weight=chance.choice([1.0, 3.0]),
            deadline=time.monotonic() + patience_s,
            keep_alive_s=chance.choice([0, 0.01, 300, -1, None]),
            is_gone=(lambda: True) if chance.random() < 0.05 else None,
            is_batch=chance.random() < 0.3,
        )


def _row(value, length):
    # float32 holds whole numbers up to 2**24.
    return TokenRow(np.full(length, value, dtype=np.int64))


def test_every_promise_holds_under_everything_at_once(watch, tiny):
    spec = make_spec(tiny("minilm"))
    callers = [Caller(watch, spec, number) for number in range(THREADS)]

    outcomes = sum((one.join() for one in start(*[c.run for c in callers])), Counter())

    assert watch.faults == []
    assert outcomes.total() == THREADS * ROUNDS
    assert outcomes["served"] > THREADS * ROUNDS / 4
    queue = watch.batcher.status()
    assert (queue.queued_texts, queue.queued_tokens) == (0, 0)
    assert queue.tally.out_of_memory > 0
    assert watch.batcher._tickets == set()
    assert watch.batcher._queue._tokens_of == {}
    assert all(thread.is_alive() for thread in watch.batcher._threads)

    watch.batcher.close(drain_s=1)
    assert {model.in_use for model in watch.pool.status().models} <= {0}
    watch.pool.close(timeout_s=5)
    assert watch.pool.status().used_bytes == watch.bytes == 0
    assert +watch.alive == Counter()
    assert not watch.pool._thread.is_alive()


def test_real_models_answer_as_alone_while_they_take_turns(tiny):
    names = ("minilm", "pool-max", "poison", "nan")
    specs = {name: make_spec(tiny(name)) for name in names}
    engine = Engine(EngineConfig(streams=2, threads=1))
    size_bytes = engine._size(specs["minilm"])
    engine.close(drain_s=1)
    small = Engine(EngineConfig(streams=2, threads=1, memory_bytes=size_bytes * 5 // 2))
    texts = ("hello world", "a lazy dog", "the river " * 20)

    def ask(name, keep_alive_s):
        job = Job(spec=specs[name], inputs=texts, truncate=Truncate.END)
        deadline = time.monotonic() + 30
        call = Call(tenant=name, deadline=deadline, keep_alive_s=keep_alive_s)
        return small.run(small.prepare(job), call).vectors

    alone = {name: ask(name, None) for name in ("minilm", "pool-max")}
    running = {
        (name, turn): one
        for turn in range(6)
        for name in names
        for one in start(lambda n=name, t=turn: ask(n, 0 if t % 2 else None))
    }
    results = {key: one.join() for key, one in running.items()}
    small.close(drain_s=5)

    good = {key: made for key, made in results.items() if key[0] in alone}
    assert all(np.abs(made - alone[key[0]]).max() < 2e-5 for key, made in good.items())
    bad = [type(made) for key, made in results.items() if key[0] not in alone]
    assert bad == [ForwardError] * 12
    assert small.status().used_bytes == 0
