"""Who may call, in which shape the rest is refused, and what never leaks."""

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from embeddings.tenant_api import facts
from tests.embeddings.tenant_api.asking import problem_of
from tests.factories import make_api_key
from tests.wires import OPENAI

TENANT = [
    ("GET", "/tenant/v1/me", set()),
    ("GET", "/tenant/v1/models", {"embed", "usage"}),
    ("GET", "/tenant/v1/limits", {"usage"}),
    ("GET", "/tenant/v1/usage", {"usage"}),
    ("GET", "/tenant/v1/keys", {"manage"}),
    ("POST", "/tenant/v1/keys", {"manage"}),
    ("GET", "/tenant/v1/keys/1", {"manage"}),
    ("DELETE", "/tenant/v1/keys/1", {"manage"}),
    ("POST", "/tenant/v1/keys/1/rotate", {"manage"}),
]
ORGANIZATION = [
    ("GET", "/v1/organization/usage/embeddings", {"usage"}),
    ("GET", "/v1/organization/costs", {"usage"}),
]
EACH_SCOPE = ("embed", "usage", "manage")


@pytest.mark.parametrize("key", [None, "emb_live_x", "expired"])
@pytest.mark.parametrize(("method", "path", "scopes"), TENANT)
def test_without_a_valid_key_it_is_a_problem(
    method, path, scopes, key, api_of, house
) -> None:
    if key == "expired":
        key = make_api_key(house.acme, expires_at=timezone.now()).secret

    response = api_of(key).ask(method, path)

    problem = problem_of(response, 401)
    assert problem["code"] == ("invalid_api_key" if key else "missing_api_key")
    assert problem["title"] == "Unauthorized"
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "scopes"), ORGANIZATION)
def test_without_a_valid_key_openais_routes_answer_as_openai(
    method, path, scopes, api_of, house
) -> None:
    response = api_of(None).ask(method, path)

    OPENAI.error_of(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scope", EACH_SCOPE)
@pytest.mark.parametrize(("method", "path", "scopes"), TENANT + ORGANIZATION)
def test_a_scope_is_asked_for(method, path, scopes, scope, api_of, house) -> None:
    key = make_api_key(house.acme, scopes=[scope]).secret

    response = api_of(key).ask(method, path)

    is_refused = bool(scopes) and scope not in scopes
    assert (response.status_code == 403) is is_refused
    if is_refused and path.startswith("/tenant"):
        assert " or ".join(sorted(scopes)) in problem_of(response, 403)["detail"]
    elif is_refused:
        OPENAI.error_of(response, 403)


@pytest.mark.parametrize("path", ["/tenant", "/tenant/", "/tenant/v1", "/tenant/v1/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_unknown_paths_are_problems(method, path, api_of) -> None:
    assert problem_of(api_of(None).ask(method, path), 404)["code"] == "not_found"


def test_unknown_paths_of_the_organization_are_openais(client: Client) -> None:
    OPENAI.error_of(client.get("/v1/organization/usage/audio"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/tenant/v1/me", "GET, HEAD"),
        ("OPTIONS", "/tenant/v1/usage", "GET, HEAD"),
        ("DELETE", "/tenant/v1/keys", "GET, HEAD, POST"),
        ("PUT", "/tenant/v1/keys/1", "DELETE, GET, HEAD"),
        ("GET", "/tenant/v1/keys/1/rotate/", "POST"),
    ],
)
def test_other_methods_are_problems(method, path, allowed, api_of) -> None:
    response = api_of(None).ask(method, path)

    assert problem_of(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"] == allowed


def test_other_methods_of_the_organization_are_openais(client: Client) -> None:
    response = client.post("/v1/organization/costs")

    OPENAI.error_of(response, 405)
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*"])
def test_it_is_json_whatever_is_accepted(accept, client: Client, house) -> None:
    headers = {"api-key": house.key, "accept": accept}

    response = client.get("/tenant/v1/me/", headers=headers)

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert client.head("/tenant/v1/me", headers=headers).status_code == 200


def test_a_foreign_host_is_told_in_the_paths_own_shape(client: Client) -> None:
    response = client.get("/tenant/v1/me", headers={"host": "elsewhere.test"})

    problem_of(response, 400)


def test_a_burst_is_refused_with_a_time_to_wait(api, settings) -> None:
    settings.RATE_BURST = "1/10"
    api.get("/tenant/v1/me")

    response = api.ask("GET", "/tenant/v1/me")

    assert problem_of(response, 429)["code"] == "rate_limited"
    assert 1 <= int(response["Retry-After"]) <= 10


def test_a_body_has_a_bound(managing) -> None:
    response = managing.ask("POST", "/tenant/v1/keys", {"name": "x" * 70_000})

    assert problem_of(response, 413)["code"] == "too_large"


def test_with_the_database_away_it_is_tried_again(
    api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("connection to 10.0.0.1 refused")

    monkeypatch.setattr(facts, "allowances_of", fail)

    response = api.ask("GET", "/tenant/v1/limits")

    assert "10.0.0.1" not in problem_of(response, 503)["detail"]
    assert int(response["Retry-After"]) >= 1


def test_our_own_faults_are_told_as_such(api, monkeypatch, caplog) -> None:
    def fail(**_: object) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(facts, "allowances_of", fail)

    problem = problem_of(api.ask("GET", "/tenant/v1/limits"), 500)

    assert "a secret" not in str(problem)
    assert problem["instance"].removeprefix("urn:uuid:") in caplog.text


def test_answers_are_counted(api) -> None:
    def count() -> float:
        labels = {"wire": "tenant", "method": "GET", "status": "200"}
        return REGISTRY.get_sample_value("embedding_requests_total", labels) or 0

    before = count()

    api.get("/tenant/v1/me")

    assert count() == before + 1
