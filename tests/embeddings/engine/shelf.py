"""A pool over fake models, with a clock that is moved by hand."""

import threading

from embeddings.engine.pool import ModelPool
from tests.embeddings.engine.making import FakeModel, is_out_of_memory, make_call


class Shelf:
    """A pool over fake models: all that was loaded, sizes by name, a clock by hand."""

    def __init__(self, **pool):
        self.now = 1000.0
        self.loads = []
        self.models = {}
        self.sizes = {}
        self.failure = None
        self.gate = threading.Event()
        self.gate.set()
        self.most_bytes = 0
        facts = {
            "memory_bytes": 100,
            "keep_alive_s": 300.0,
            "device": "cpu",
            "clock": lambda: self.now,
        }
        self.pool = ModelPool(
            **{**facts, **pool},
            size_of=lambda spec: self.sizes.get(spec.name, 40),
            open_model=self._open,
            is_out_of_memory=is_out_of_memory,
        )

    def _open(self, spec):
        self.loads.append(spec.name)
        assert self.gate.wait(30)
        if self.failure is not None:
            raise self.failure
        self.most_bytes = max(self.most_bytes, self.pool.status().used_bytes)
        self.models[spec.name] = FakeModel()
        return self.models[spec.name]

    def names(self):
        """Models in memory."""
        return {model.name for model in self.pool.status().models}


def use(shelf, spec, **call):
    with shelf.pool.lease(spec, make_call(**call)) as resident:
        return resident.model


def sweep(pool):
    """Close what is due by a clock that was moved by hand."""
    with pool._changed:
        ripe = pool._memory.take_ripe()
    pool._close(ripe)
