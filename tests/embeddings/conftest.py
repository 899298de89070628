"""Two tenants, an outsider, and an engine that costs nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from accounts.metering import use_meter
from accounts.models import Tenant
from embeddings import process
from embeddings.models import EmbeddingModel
from tests.factories import grant, make_api_key, make_model, make_tenant
from tests.fakes import FakeEngine
from tests.inline_meter import InlineMeter


@dataclass(frozen=True, kw_only=True)
class House:
    """Acme and Globex have a model each; the outsider has a key and no model."""

    acme: Tenant
    globex: Tenant
    outsider: Tenant
    model: EmbeddingModel
    foreign: EmbeddingModel
    ungranted: EmbeddingModel
    key: str
    globex_key: str
    outsider_key: str


@pytest.fixture
def house(db: None) -> Iterator[House]:
    """Everybody there is, with usage written in the test's own transaction."""
    acme, globex, outsider = map(make_tenant, ("acme", "globex", "outsider"))
    model = make_model("all-MiniLM-L6-v2", aliases=("all-minilm",), context_tokens=512)
    foreign = make_model("globex/own", aliases=("globex-alias",))
    grant(acme, model, is_default=True)
    grant(globex, foreign)
    with use_meter(InlineMeter()):
        yield House(
            acme=acme,
            globex=globex,
            outsider=outsider,
            model=model,
            foreign=foreign,
            ungranted=make_model("nobodys-model"),
            key=make_api_key(acme).secret,
            globex_key=make_api_key(globex).secret,
            outsider_key=make_api_key(outsider).secret,
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The process's engine, faked."""
    fake = FakeEngine()
    monkeypatch.setattr(process, "_engine", fake)
    return fake
