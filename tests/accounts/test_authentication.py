"""Who calls."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts import secrets
from accounts.authentication import (
    ADDRESS_KEY,
    ApiKeyAuthentication,
    Caller,
    HasScope,
    caller_of,
    secret_of,
)
from accounts.errors import (
    ForbiddenError,
    InvalidApiKeyError,
    MissingApiKeyError,
    UnavailableError,
)
from accounts.models import ApiKey
from tests.factories import make_api_key, make_tenant

pytestmark = pytest.mark.django_db


def _request(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    django_request = APIRequestFactory().post("/", headers=named)
    view = APIView()
    return view.initialize_request(django_request)


def _authenticate(**headers):
    return ApiKeyAuthentication().authenticate(_request(**headers))[1]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda key: {"x_chroma_token": key}, id="chroma"),
        pytest.param(lambda key: {"api_key": key}, id="azure"),
        pytest.param(lambda key: {"x_goog_api_key": key}, id="google"),
        pytest.param(lambda key: {"authorization": f"Bearer {key}"}, id="bearer"),
        pytest.param(lambda key: {"authorization": f"bEARER   {key} "}, id="any case"),
        pytest.param(
            lambda key: {"x_chroma_token": " ", "api_key": "", "x_goog_api_key": key},
            id="empty ones skipped",
        ),
        pytest.param(
            lambda key: {"x_chroma_token": key, "authorization": "Bearer other"},
            id="first of several",
        ),
    ],
)
def test_the_key_is_found_in_any_header(headers):
    issued = make_api_key(
        make_tenant("acme"), scopes=["embed"], model_names=["all-minilm"]
    )

    caller = _authenticate(**headers(issued.secret))

    assert caller == Caller(
        tenant_id=issued.api_key.tenant_id,
        tenant_slug="acme",
        api_key_id=issued.api_key.pk,
        scopes=frozenset({"embed"}),
        model_names=frozenset({"all-minilm"}),
        expires_at=None,
    )


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer "}, {"authorization": "Basic x"}, {"api_key": " "}],
    ids=repr,
)
def test_a_key_that_the_view_found_in_the_query_is_the_last_to_be_read(headers):
    issued = make_api_key(make_tenant("acme"))
    request = _request(**headers)
    request.META[ADDRESS_KEY] = issued.secret

    assert secret_of(request) == issued.secret
    other = _request(authorization="Bearer other")
    other.META[ADDRESS_KEY] = issued.secret
    assert secret_of(other) == "other"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer  "},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"x_chroma_token": "  "},
    ],
    ids=str,
)
def test_no_key_is_said_to_be_missing(headers):
    with pytest.raises(MissingApiKeyError):
        _authenticate(**headers)


def test_the_first_of_two_keys_decides():
    issued = make_api_key()

    with pytest.raises(InvalidApiKeyError):
        _authenticate(x_chroma_token="wrong", authorization=f"Bearer {issued.secret}")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda key: key[:-1], id="truncated"),
        pytest.param(lambda key: key + "x", id="one more"),
        pytest.param(lambda key: key + "," + key, id="duplicated header"),
        pytest.param(lambda key: key[:9] + key[9:].swapcase(), id="case flipped"),
        pytest.param(lambda key: key[:-1] + "\xff", id="latin-1"),
        pytest.param(lambda _: "' OR 1=1 --", id="SQL"),
        pytest.param(lambda key: secrets.digest_of(key).hex(), id="its digest"),
        pytest.param(lambda _: "x" * 100_000, id="huge"),
    ],
)
def test_a_malformed_key_is_invalid_without_a_query(spoil, django_assert_num_queries):
    secret = make_api_key().secret

    with django_assert_num_queries(0), pytest.raises(InvalidApiKeyError):
        _authenticate(api_key=spoil(secret))


def _revoked():
    issued = make_api_key()
    issued.api_key.revoke()
    return issued.secret


@pytest.mark.parametrize(
    "make_secret",
    [
        pytest.param(secrets.make_secret, id="unknown"),
        pytest.param(_revoked, id="revoked"),
        pytest.param(
            lambda: make_api_key(expires_at=timezone.now()).secret, id="expired"
        ),
        pytest.param(
            lambda: make_api_key(make_tenant(is_active=False)).secret,
            id="inactive tenant",
        ),
    ],
)
def test_a_refused_key_costs_one_query_and_gets_one_answer(
    make_secret, django_assert_num_queries
):
    secret = make_secret()

    with django_assert_num_queries(1), pytest.raises(InvalidApiKeyError) as refusal:
        _authenticate(api_key=secret)

    assert str(refusal.value.detail) == InvalidApiKeyError.default_detail
    assert secret not in repr(refusal.value.__dict__)


@pytest.mark.django_db(transaction=True)
def test_a_known_key_costs_no_query(django_assert_num_queries):
    secret = make_api_key().secret
    caller_of(secret)

    with django_assert_num_queries(0):
        caller_of(secret)


@pytest.mark.django_db(transaction=True)
def test_an_unknown_key_is_looked_up_once(django_assert_num_queries):
    secret = secrets.make_secret()
    with pytest.raises(InvalidApiKeyError):
        caller_of(secret)

    with django_assert_num_queries(0), pytest.raises(InvalidApiKeyError):
        caller_of(secret)


@pytest.mark.django_db(transaction=True)
def test_a_known_key_expires_on_time():
    expires_at = timezone.now() + timedelta(hours=1)
    secret = make_api_key(expires_at=expires_at).secret
    caller_of(secret)

    with (
        time_machine.travel(expires_at, tick=False),
        pytest.raises(InvalidApiKeyError),
    ):
        caller_of(secret)


def _call_until(deadline, secret):
    while time.monotonic() < deadline:
        caller_of(secret)


@pytest.mark.django_db(transaction=True)
def test_a_revoked_key_is_dead_within_a_second():
    issued = make_api_key()
    caller_of(issued.secret)

    ApiKey.objects.filter(pk=issued.api_key.pk).revoke()
    deadline = time.monotonic() + 1.0

    with pytest.raises(InvalidApiKeyError):
        _call_until(deadline, issued.secret)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_cannot_be_looked_up_is_not_called_invalid(monkeypatch):
    secret = make_api_key().secret

    def away(*_, **__):
        raise OperationalError("away")

    caller_of(make_api_key().secret)
    monkeypatch.setattr(connection, "cursor", away)
    with pytest.raises(UnavailableError):
        caller_of(secret)


def _admits(required_scope, auth):
    request = _request()
    request.auth = auth
    view = APIView()
    if required_scope is not None:
        view.required_scope = required_scope
    return HasScope().has_permission(request, view)


def test_a_scope_admits():
    caller = caller_of(make_api_key(scopes=["usage"]).secret)

    assert _admits("usage", caller)


@pytest.mark.parametrize("scope", ["embed", None], ids=["another", "none named"])
def test_without_the_views_scope_it_is_forbidden(scope):
    caller = caller_of(make_api_key(scopes=["usage"]).secret)

    with pytest.raises(ForbiddenError):
        _admits(scope, caller)


def test_without_a_key_no_scope_helps():
    with pytest.raises(MissingApiKeyError):
        _admits("embed", None)


def test_a_refusal_names_the_scheme():
    assert ApiKeyAuthentication().authenticate_header(_request()) == "Bearer"
