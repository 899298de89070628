"""A model's expiry, and the pauses after failed loads."""

import pytest

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.resident import FailedLoads, Resident
from tests.embeddings.engine.making import FakeModel, make_call, make_spec


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
    model = FakeModel()
    model.runtime = "openvino"
    resident = make_resident(tiny, uses=2, requests=7, loaded=model)

    facts = resident.facts(0.0, device="cpu")

    assert (facts.name, facts.device, facts.bytes) == ("minilm", "cpu", 5)
    assert (facts.in_use, facts.requests, facts.expires_in_s) == (2, 7, 60.0)
    assert (facts.runtime, facts.precision) == ("openvino", "float32")


def test_pauses_double_up_to_a_bound(spec):
    failed = FailedLoads(lambda: 0.0)
    error = ModelUnavailableError("broken")

    pauses = [failed.add(spec("a"), error).retry_after_s for _ in range(7)]

    assert pauses == [30, 60, 120, 240, 480, 600, 600]


def test_failure_is_told_until_its_pause_ends(spec):
    now = [0.0]
    failed = FailedLoads(lambda: now[0])
    failed.add(spec("a"), ModelUnavailableError("broken"))
    now[0] = 29.0

    with pytest.raises(ModelUnavailableError, match="broken") as caught:
        failed.check(spec("a").key)

    assert caught.value.retry_after_s == 1.0
    now[0] = 30.0
    failed.check(spec("a").key)


def test_forgotten_failure_may_be_tried_and_starts_the_pauses_anew(spec):
    failed = FailedLoads(lambda: 0.0)
    failed.add(spec("a"), ModelUnavailableError("broken"))

    assert failed.forget(spec("a").key)

    assert not failed.forget(spec("a").key)
    failed.check(spec("a").key)
    error = ModelUnavailableError("broken")
    assert failed.add(spec("a"), error).retry_after_s == 30


def test_operators_see_what_failed_and_when_it_may_be_tried(spec):
    now = [0.0]
    failed = FailedLoads(lambda: now[0])
    failed.add(spec("a"), ModelUnavailableError("broken"))
    now[0] = 12.0
    failed.add(spec("b"), ModelUnavailableError("gone"))
    now[0] = 35.0

    facts = [(one.name, one.error, one.retry_in_s) for one in failed.facts()]

    assert facts == [("a", "broken", 0.0), ("b", "gone", 7.0)]


def use(resident, tenant, now, keep_alive_s=None):
    resident.use(make_call(tenant=tenant, keep_alive_s=keep_alive_s), now=now)
    resident.uses -= 1
    return resident.keep_alive_s


@pytest.mark.parametrize(
    ("before", "wish", "after"),
    [(60.0, None, 60.0), (60.0, 0, 0), (60.0, 90.0, 90.0), (60.0, -1, -1), (-1, 0, 0)],
    ids=["none", "zero", "longer", "for-ever", "no-longer-for-ever"],
)
def test_lone_tenants_wish_is_heeded(tiny, before, wish, after):
    resident = make_resident(tiny, keep_alive_s=before)
    use(resident, "a", 0.0)

    assert use(resident, "a", 1.0, wish) == after


@pytest.mark.parametrize(
    ("wish", "after"), [(0, 60.0), (59.0, 60.0), (61.0, 61.0), (-1, -1)]
)
def test_what_others_use_is_kept_no_shorter(tiny, wish, after):
    resident = make_resident(tiny, keep_alive_s=60.0)
    use(resident, "other", 0.0)
    use(resident, "a", 1.0)

    assert use(resident, "a", 2.0, wish) == after


def test_what_others_used_long_ago_may_go(tiny):
    resident = make_resident(tiny, keep_alive_s=60.0)
    for tenant, now in (("other", 0.0), ("a", 50.0), ("b", 55.0)):
        use(resident, tenant, now)
    assert use(resident, "b", 110.0, 0) == 60.0

    assert use(resident, "b", 110.1, 0) == 0


def test_platform_counts_for_nobody_and_is_obeyed(tiny):
    resident = make_resident(tiny, keep_alive_s=60.0)
    use(resident, "", 0.0)
    assert use(resident, "a", 1.0, 30.0) == 30.0
    use(resident, "b", 2.0)

    assert use(resident, "", 3.0, 0) == 0


def test_requests_are_counted(tiny):
    resident = make_resident(tiny)

    for _ in range(3):
        resident.use(make_call(), now=0.0)

    assert (resident.uses, resident.requests) == (3, 3)


@pytest.mark.parametrize(("load_s", "until_s"), [(0.5, 102.0), (60.0, 130.0)])
def test_stay_follows_what_the_load_took(tiny, load_s, until_s):
    resident = make_resident(tiny)

    resident.begin(FakeModel(), now=100.0, load_s=load_s)

    assert (resident.stays_until, resident.used_at) == (until_s, 100.0)
