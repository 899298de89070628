"""Who calls, its models, and what is left of its quotas."""

import pytest

from accounts.models import Plan, Quota
from tests.factories import grant, make_api_key, make_model
from tests.fakes import FakeEngine
from tests.wires import OPENAI


def test_me_is_the_tenant_its_plan_and_the_key(api_of, house) -> None:
    house.acme.plan = Plan.objects.create(name="Small", max_texts=10)
    house.acme.save()
    issued = make_api_key(house.acme, name="ingest", scopes=["embed"])

    found = api_of(issued.secret).get("/tenant/v1/me")

    assert found == {
        "tenant": {"slug": "acme", "name": "Acme"},
        "plan": "Small",
        "api_key": {
            "id": issued.api_key.pk,
            "name": "ingest",
            "prefix": issued.secret[:13],
            "last4": issued.secret[-4:],
            "scopes": ["embed"],
            "expires_at": None,
        },
        "limits": {"weight": 1.0, "max_texts": 10, "keep_alive_max_s": 3600.0},
    }


@pytest.mark.parametrize(
    ("server_s", "tenant_s", "expected_s"),
    [(60, None, 60), (60, 90, 60), (60, 30, 30), (-1, None, None), (-1, 30, 30)],
)
def test_the_keep_alive_is_what_a_request_gets(
    server_s, tenant_s, expected_s, api, house, settings
) -> None:
    settings.KEEP_ALIVE_MAX_S = server_s
    house.acme.keep_alive_max_s = tenant_s
    house.acme.save()

    found = api.get("/tenant/v1/me")

    assert found["limits"]["keep_alive_max_s"] == expected_s
    assert found["plan"] is None


def test_models_are_listed_as_they_were_granted(api, house) -> None:
    grant(house.acme, make_model("sparse", output="both", dimensions=8), alias="a-name")
    grant(house.acme, make_model("off", is_enabled=False))

    found = api.get("/tenant/v1/models")["data"]

    assert found == [
        {
            "name": "a-name",
            "canonical": "sparse",
            "dimensions": 8,
            "max_tokens": 256,
            "outputs": ["dense", "sparse"],
            "is_default": False,
        },
        {
            "name": "all-MiniLM-L6-v2",
            "canonical": "all-MiniLM-L6-v2",
            "dimensions": 384,
            "max_tokens": 256,
            "outputs": ["dense"],
            "is_default": True,
        },
    ]


def test_models_are_those_the_key_is_held_to(api_of, house) -> None:
    grant(house.acme, make_model("other"))
    key = make_api_key(house.acme, model_names=["other"]).secret

    found = api_of(key).get("/tenant/v1/models")["data"]

    assert [model["name"] for model in found] == ["other"]
    assert api_of(house.outsider_key).get("/tenant/v1/models") == {"data": []}


def test_limits_tell_what_remains(api, client, house, engine: FakeEngine) -> None:
    Quota.objects.create(tenant=house.acme, kind="tokens-month", amount=100)
    Quota.objects.create(
        api_key=house.acme.api_keys.get(), kind="tokens-prepaid", amount=9
    )

    OPENAI.post(client, ("two words",), key=house.key)
    found = api.get("/tenant/v1/limits")

    month, pack = found["quotas"]
    assert month.pop("resets_at").endswith("-01T00:00:00Z")
    assert month == {
        "kind": "tokens-month",
        "label": "Tokens per month",
        "holder": "tenant",
        "quantity": "tokens",
        "period": "month",
        "limit": 100,
        "used": 4,
        "remaining": 96,
    }
    assert (pack["holder"], pack["limit"], pack["remaining"]) == ("api_key", 9, 5)
    assert pack["resets_at"] is None
    assert (found["weight"], found["max_texts"]) == (1.0, 2048)


def test_nothing_bounds_whom_nothing_was_set_for(api_of, house) -> None:
    Quota.objects.create(tenant=house.acme, kind="rpm", amount=1)

    assert api_of(house.globex_key).get("/tenant/v1/limits")["quotas"] == []
