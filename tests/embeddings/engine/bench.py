"""A batcher over one fake model, to be filled and stalled."""

from dataclasses import replace

from embeddings.engine.batcher import Batcher
from embeddings.engine.pool import ModelPool
from tests.embeddings.engine.making import (
    FakeModel,
    is_device_lost,
    is_out_of_memory,
    make_call,
    make_row,
    start,
    until,
)

POISON, NAN = 666, 999


class Bench:
    """A batcher over one fake model; `other` is of others, which lie beside it."""

    def __init__(
        self, spec, *, streams=1, batch_tokens=1000, queue_tokens=10_000, **options
    ):
        self.spec = spec
        self.other = replace(spec, family="other")
        self.model = FakeModel(poison=POISON, nan=NAN)
        self.others = []
        self.pool = ModelPool(
            memory_bytes=100,
            keep_alive_s=300,
            device="cpu",
            size_of=lambda _: 1,
            open_model=self._open,
            is_out_of_memory=is_out_of_memory,
        )
        self.batcher = Batcher(
            self.pool,
            streams=streams,
            batch_tokens=batch_tokens,
            queue_tokens=queue_tokens,
            is_device_lost=is_device_lost,
            **options,
        )

    def _open(self, spec):
        if spec == self.spec:
            return self.model
        self.others.append(FakeModel())
        return self.others[-1]

    def submit(self, *rows, **call):
        call = make_call(**call)
        with self.pool.lease(self.spec, call) as resident:
            return self.batcher.submit(resident, rows, call)

    def occupy(self):
        """Keep the stream busy until the model's gate opens."""
        self.model.gate.clear()
        (running,) = start(lambda: self.submit(make_row(1)))
        until(self.model.started.is_set)
        return running

    def close(self):
        self.model.gate.set()
        self.batcher.close(drain_s=5)
        self.pool.close(timeout_s=5)
