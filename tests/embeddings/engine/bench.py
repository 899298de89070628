"""A batcher over one fake model, to be filled and stalled."""

from embeddings.engine.batcher import Batcher
from embeddings.engine.pool import ModelPool
from tests.embeddings.engine.making import FakeModel, make_call, make_row, start, until

POISON, NAN = 666, 999


class Bench:
    """A batcher over one fake model."""

    def __init__(self, spec, *, streams=1, batch_tokens=1000, queue_tokens=10_000):
        self.spec = spec
        self.model = FakeModel(poison=POISON, nan=NAN)
        self.pool = ModelPool(
            memory_bytes=100,
            keep_alive_s=300,
            device="cpu",
            size_of=lambda _: 1,
            open_model=lambda _: self.model,
        )
        self.batcher = Batcher(
            self.pool,
            streams=streams,
            batch_tokens=batch_tokens,
            queue_tokens=queue_tokens,
        )

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
