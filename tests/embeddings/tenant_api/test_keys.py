"""Keys that a tenant manages itself: never another's, never with more rights."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import authentication
from accounts.models import ApiKey, Quota
from tests.embeddings.tenant_api.asking import problem_of
from tests.factories import grant, make_api_key, make_model
from tests.fakes import FakeEngine
from tests.wires import OPENAI

KEYS = "/tenant/v1/keys"
DAY = timedelta(days=1)


def issue(api, **body):
    """Ask for a key that embeds."""
    return api.ask("POST", KEYS, {"name": "new", "scopes": ["embed"], **body})


def rotate(api, api_key, **body):
    """Ask for another in its place."""
    return api.ask("POST", f"{KEYS}/{api_key.pk}/rotate", body or None)


def test_keys_are_listed_newest_first_in_pages(managing, manager, house) -> None:
    for number in range(3):
        make_api_key(house.acme, name=f"key {number}")

    found, page = [], {}
    while page is not None:
        answer = managing.get(KEYS, limit=2, **page)
        found += answer["data"]
        page = answer["next_page"] and {"page": answer["next_page"]}

    names = [key["name"] for key in found]
    assert names == ["key 2", "key 1", "key 0", "manager", "test"]
    assert managing.get(KEYS)["data"] == found


def test_a_key_is_shown_without_its_secret(managing, manager, house) -> None:
    revoked = make_api_key(house.acme, revoked_at=timezone.now()).api_key
    expired = make_api_key(house.acme, expires_at=timezone.now()).api_key

    shown = managing.get(f"{KEYS}/{manager.api_key.pk}")

    assert (shown["id"], shown["state"]) == (manager.api_key.pk, "active")
    assert shown["prefix"] + shown["last4"] == manager.secret[:13] + manager.secret[-4:]
    assert manager.secret not in str(shown)
    assert managing.get(f"{KEYS}/{revoked.pk}")["state"] == "revoked"
    assert managing.get(f"{KEYS}/{expired.pk}/")["state"] == "expired"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("POST", "/rotate")],
    ids=["show", "revoke", "rotate"],
)
@pytest.mark.parametrize("whose", ["another's", "nobody's", "beyond all"])
def test_others_keys_are_not_there(method, path, whose, managing, house) -> None:
    foreign = house.globex.api_keys.get()
    key_id = {"another's": foreign.pk, "nobody's": 10**9, "beyond all": 10**30}[whose]

    problem = problem_of(managing.ask(method, f"{KEYS}/{key_id}{path}"), 404)

    assert problem["detail"] == "there is no such key"
    foreign.refresh_from_db()
    assert foreign.is_active
    assert house.globex.api_keys.count() == 1


def test_an_issued_key_works(managing, client: Client, house, engine) -> None:
    expires_at = timezone.now() + DAY

    response = issue(managing, name="ingest", expires_at=expires_at.isoformat())

    assert response.status_code == 201
    shown = response.json()
    secret = shown.pop("secret")
    assert response["Location"] == f"{KEYS}/{shown['id']}"
    assert managing.get(response["Location"]) == shown
    assert (shown["name"], shown["scopes"]) == ("ingest", ["embed"])
    assert datetime.fromisoformat(shown["expires_at"]) == expires_at
    assert OPENAI.post(client, key=secret).status_code == 200


def test_models_are_named_as_they_were_granted(managing, house) -> None:
    grant(house.acme, make_model("sparse"), alias="ours")

    shown = issue(managing, model_names=["ours", "all-minilm", "sparse"]).json()

    assert shown["model_names"] == ["all-MiniLM-L6-v2", "sparse"]


@pytest.mark.parametrize("name", ["globex/own", "nobodys-model", "nope"])
def test_a_model_that_is_not_granted_is_not_given(name, managing, house) -> None:
    problem = problem_of(issue(managing, model_names=[name]), 400)

    assert (problem["param"], f"model '{name}' not found" in problem["detail"]) == (
        "model_names",
        True,
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0"}, "name"),
        ({"name": None}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"scopes": "embed"}, "scopes"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expire_at": None}, "expire_at"),
        ({"model_names": [1, {}]}, "model_names"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_told(body, param, managing, manager) -> None:
    before = ApiKey.objects.count()

    problem = problem_of(issue(managing, **body), 400)

    assert (problem["code"], problem["param"]) == ("invalid", param)
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"name": "a", "name": NaN}', b"\xff"])
def test_a_body_is_an_object(raw, client: Client, manager) -> None:
    headers = {"api-key": manager.secret}

    response = client.generic("POST", KEYS, raw, headers=headers)

    assert problem_of(response, 400)["code"] == "malformed"


@pytest.mark.parametrize(
    ("own", "asked"),
    [
        ({"scopes": ["manage"]}, {"scopes": ["embed"]}),
        ({"model_names": ["a", "all-MiniLM-L6-v2"]}, {"model_names": ["other"]}),
        ({"expires_at": timezone.now() + DAY}, {"expires_at": "2999-01-01T00:00Z"}),
    ],
    ids=["scopes", "models", "time"],
)
def test_nobody_gives_more_than_he_has(own, asked, api_of, house) -> None:
    grant(house.acme, make_model("other"))
    issued = make_api_key(house.acme, **{"scopes": ["manage", "embed"], **own})

    response = issue(api_of(issued.secret), **asked)

    # Of models that are withheld from the caller nothing is told.
    status = 400 if "model_names" in asked else 403
    assert problem_of(response, status)["detail"]
    assert ApiKey.objects.filter(name="new").count() == 0


def test_what_is_not_said_is_as_the_callers(api_of, house) -> None:
    own = make_api_key(
        house.acme,
        scopes=["manage", "embed"],
        model_names=["all-MiniLM-L6-v2"],
        expires_at=timezone.now() + DAY,
    )

    issue(api_of(own.secret), expires_at=None, model_names=[])

    new = ApiKey.objects.get(name="new")
    assert new.model_names == own.api_key.model_names
    assert new.expires_at == own.api_key.expires_at


def test_quotas_are_not_got_round(managing, manager) -> None:
    Quota.objects.create(api_key=manager.api_key, kind="tpd", amount=5)

    assert "quotas" in problem_of(issue(managing), 403)["detail"]
    assert "quotas" in problem_of(rotate(managing, manager.api_key), 403)["detail"]
    assert ApiKey.objects.filter(name="new").count() == 0


def test_there_are_only_so_many_keys(managing, manager, house, settings) -> None:
    """The house has one, the manager has one; what was revoked counts for a day."""
    settings.MAX_API_KEYS = 4
    old = make_api_key(house.acme, revoked_at=timezone.now()).api_key
    ApiKey.objects.filter(pk=old.pk).update(created_at=timezone.now() - 2 * DAY)

    first = issue(managing)
    assert managing.ask("DELETE", f"{KEYS}/{first.json()['id']}").status_code < 300
    assert issue(managing).status_code == 201

    assert "4 keys" in problem_of(issue(managing), 400)["detail"]
    assert problem_of(rotate(managing, manager.api_key), 400)


def test_a_key_revoked_a_moment_ago_leaves_none_behind(
    managing, manager, monkeypatch
) -> None:
    remembered = authentication.caller_of(manager.secret)
    manager.api_key.revoke()
    monkeypatch.setattr(authentication, "caller_of", lambda _: remembered)

    assert problem_of(issue(managing), 401)["code"] == "invalid_api_key"
    assert problem_of(rotate(managing, manager.api_key), 401)
    assert ApiKey.objects.filter(name="new").count() == 0


def test_a_rotated_key_overlaps_with_the_new_one(
    managing, client: Client, house, engine: FakeEngine
) -> None:
    old = make_api_key(house.acme, name="ingest", scopes=["embed"])
    Quota.objects.create(api_key=old.api_key, kind="tpd", amount=50)

    response = rotate(managing, old.api_key)

    assert response.status_code == 201
    shown = response.json()
    assert response["Location"] == f"{KEYS}/{shown['id']}"
    assert (shown["name"], shown["replaces"]["id"]) == ("ingest", old.api_key.pk)
    left = datetime.fromisoformat(shown["replaces"]["expires_at"]) - timezone.now()
    assert timedelta(hours=23) < left <= DAY
    assert [q.amount for q in ApiKey.objects.get(pk=shown["id"]).quotas.all()] == [50]
    assert OPENAI.post(client, key=shown["secret"]).status_code == 200
    assert OPENAI.post(client, key=old.secret).status_code == 200


def test_without_an_overlap_the_old_one_ends(managing, client, house) -> None:
    old = make_api_key(house.acme, scopes=["embed"])

    shown = rotate(managing, old.api_key, overlap_s=0).json()

    assert shown["replaces"]["state"] == "expired"
    OPENAI.error_of(OPENAI.post(client, key=old.secret), 401)


def test_a_key_may_replace_itself(managing, api_of, manager) -> None:
    shown = rotate(managing, manager.api_key, overlap_s=60).json()

    assert api_of(shown["secret"]).get("/tenant/v1/me")["api_key"]["id"] == shown["id"]
    assert managing.get("/tenant/v1/me")["api_key"]["id"] == manager.api_key.pk


@pytest.mark.parametrize("overlap_s", [-1, 2_592_001, "soon", None], ids=repr)
def test_an_overlap_has_bounds(overlap_s, managing, manager) -> None:
    response = rotate(managing, manager.api_key, overlap_s=overlap_s)

    assert problem_of(response, 400)["param"] == "overlap_s"


def test_a_key_that_is_refused_is_not_replaced(managing, house) -> None:
    old = make_api_key(house.acme, scopes=["embed"], revoked_at=timezone.now())

    problem = problem_of(rotate(managing, old.api_key), 400)

    assert "revoked or expired" in problem["detail"]


def test_a_key_with_more_rights_is_not_taken_over(api_of, manager, house) -> None:
    weak = make_api_key(house.acme, scopes=["manage"])

    response = rotate(api_of(weak.secret), manager.api_key)

    assert "embed" in problem_of(response, 403)["detail"]


def test_a_key_is_revoked_for_good(managing, client, house) -> None:
    key = make_api_key(house.acme, scopes=["embed"])
    path = f"{KEYS}/{key.api_key.pk}"

    first, again = managing.ask("DELETE", path), managing.ask("DELETE", path)

    assert (first.status_code, first.json()["state"]) == (200, "revoked")
    assert again.json() == first.json()
    OPENAI.error_of(OPENAI.post(client, key=key.secret), 401)


def test_a_key_may_revoke_itself(managing, manager) -> None:
    response = managing.ask("DELETE", f"{KEYS}/{manager.api_key.pk}")

    assert response.json()["state"] == "revoked"
    problem_of(managing.ask("GET", KEYS), 401)
