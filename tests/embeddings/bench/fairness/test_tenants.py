"""Tenants with weights."""

import io
import json
import sys

import pytest

from accounts.authentication import caller_of
from accounts.revision import close_cache
from embeddings.bench.fairness import tenants
from embeddings.bench.scratch import Scratch, ScratchError
from embeddings.models import ModelGrant
from tests.factories import make_model


@pytest.fixture(autouse=True)
def threads_end():
    yield
    close_cache()


@pytest.mark.django_db(transaction=True)
def test_weights_become_keys_of_tenants_who_have_them(monkeypatch, capsys):
    make_model("small")
    monkeypatch.setattr(sys, "stdin", io.StringIO("[1.0, 2.0, 1.0]"))

    tenants.main()

    callers = [caller_of(key) for key in json.loads(capsys.readouterr().out)]
    assert [caller.limits.weight for caller in callers] == [1.0, 2.0, 1.0]
    assert len({caller.tenant_id for caller in callers}) == 3
    assert ModelGrant.objects.count() == 3


def test_a_process_that_fails_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(tenants, "START", "raise SystemExit('no database')")
    platform = Scratch(folder=tmp_path, database_url="", environment={}, key="")

    with pytest.raises(ScratchError, match="no database"):
        tenants.make_tenants(platform, [1.0])
