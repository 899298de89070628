"""Workloads, contenders and scores to try the parts with."""

import numpy as np

from embeddings.bench.plan import Contender, Kind, Workload

TEXTS = ("one", "three", "a longer text than these")


def make_workload(**changes):
    facts = {
        "paragraphs": TEXTS,
        "tokens": (3, 5, 7),
        "short": ("a", "bc"),
        "request_texts": 2,
        "request_repeats": 2,
        "short_repeats": 4,
        "clients": 3,
        "clients_s": 0.05,
        "few": 2,
        "many": 7,
        "side": 8,
    }
    return Workload(**{**facts, **changes})


def make_contender(name="ours", kind=Kind.ENGINE, **changes):
    return Contender(name=name, kind=kind, **changes)


class FakeEmbedder:
    """A vector of a text is its length; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def embed(self, texts):
        self.asked.append(tuple(texts))
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)
