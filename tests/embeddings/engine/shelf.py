"""A pool over fake models, with a clock that is moved by hand."""

import threading

from embeddings.engine.pool import ModelPool
from tests.embeddings.engine.making import FakeModel, make_call


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
        facts = {"memory_bytes": 100, "keep_alive_s": 300.0, "device": "cpu"}
        self.pool = ModelPool(
            **{**facts, **pool},
            size_of=lambda spec: self.sizes.get(spec.name, 40),
            open_model=self._open,
            clock=lambda: self.now,
        )

    def _open(self, spec):
        self.loads.append(spec.name)
        assert self.gate.wait(30)
        if self.failure is not None:
            raise self.failure
        self.most_bytes = max(
            self.most_bytes, sum(one.size_bytes for one in self.pool._counted)
        )
        self.models[spec.name] = FakeModel()
        return self.models[spec.name]

    def names(self):
        """Models in memory."""
        return {model.name for model in self.pool.loaded()}


def use(shelf, spec, **call):
    with shelf.pool.lease(spec, make_call(**call)) as resident:
        return resident.model
