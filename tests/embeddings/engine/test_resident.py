"""A model's expiry, and the pauses after failed loads."""

import pytest

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.resident import FailedLoads, Resident
from tests.embeddings.engine.making import FakeModel, make_spec

KEY = ("folder", "encoder", "float32")


def make_resident(tiny, **changes):
    facts = {"size_bytes": 5, "keep_alive_s": 60.0, "asked_at": 0.0}
    return Resident(spec=make_spec(tiny("minilm")), **{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"used_at": 90.0}, 50.0),
        ({"used_at": 10.0}, 0.0),
        ({"used_at": 10.0, "uses": 1}, 60.0),
        ({"used_at": 10.0, "keep_alive_s": -1.0}, None),
    ],
    ids=["idle", "overdue", "in-use", "for-ever"],
)
def test_expiry_counts_from_the_last_use(tiny, changes, expected):
    assert make_resident(tiny, **changes).expires_in_s(100.0) == expected


def test_model_is_there_only_while_loaded(tiny):
    resident = make_resident(tiny)

    with pytest.raises(RuntimeError):
        _ = resident.model

    resident.loaded = FakeModel()
    assert resident.model is resident.loaded


def test_idle_means_loaded_unused_and_open(tiny):
    resident = make_resident(tiny, loaded=FakeModel())

    assert resident.is_idle
    resident.uses = 1
    assert not resident.is_idle


def test_facts_are_for_operators(tiny):
    resident = make_resident(tiny, uses=2)

    facts = resident.facts(0.0, device="cpu")

    assert (facts.name, facts.device, facts.bytes) == ("minilm", "cpu", 5)
    assert (facts.in_use, facts.expires_in_s) == (2, 60.0)


def test_pauses_double_up_to_a_bound():
    failed = FailedLoads(lambda: 0.0)
    error = ModelUnavailableError("broken")

    pauses = [failed.add(KEY, error).retry_after_s for _ in range(7)]

    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_failure_is_told_until_its_pause_ends():
    now = [0.0]
    failed = FailedLoads(lambda: now[0])
    failed.add(KEY, ModelUnavailableError("broken"))
    now[0] = 29.0

    with pytest.raises(ModelUnavailableError, match="broken") as caught:
        failed.check(KEY)

    assert caught.value.retry_after_s == 1.0
    now[0] = 30.0
    failed.check(KEY)


def test_success_starts_the_pauses_anew():
    failed = FailedLoads(lambda: 0.0)
    failed.add(KEY, ModelUnavailableError("broken"))

    failed.forget(KEY)

    failed.check(KEY)
    assert failed.add(KEY, ModelUnavailableError("broken")).retry_after_s == 30
