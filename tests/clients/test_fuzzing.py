"""Requests that nobody thought of, made from the OpenAPI document."""

import json
from itertools import count

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from embeddings.openapi import document
from tests.clients.conftest import PROMPTED, SPARSE
from tests.live import MODEL

pytestmark = pytest.mark.clients

MODELS = (MODEL, PROMPTED, "Chroma/BM25", *(f"tiny-{name}" for name in SPARSE))
NAMES = ("model", "x-chroma-embedding-model")
#: What may not happen whatever is sent, documented or not.
FAULTS = {500, 502, 504}
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NEW_TENANT = """
import json
from accounts.models import ApiKey, Scope, Tenant
from embeddings.models import EmbeddingModel, ModelGrant
tenant = Tenant.objects.create(name="Fuzzy", slug="fuzzy")
for name in {models!r}:
    model = EmbeddingModel.objects.get(name=name)
    is_default = name == {models!r}[0]
    ModelGrant.objects.create(tenant=tenant, model=model, is_default=is_default)
made = ApiKey.objects.issue(tenant=tenant, name="fuzz", scopes=Scope.values)
print(json.dumps([made.secret, made.api_key.id]))
"""
_numbers = count()

schema = schemathesis.openapi.from_dict(
    json.loads(json.dumps(document())),
    config=SchemathesisConfig.from_dict(
        {
            "generation": {"deterministic": True, "with-security-parameters": False},
            # Other methods are refused by tests of their own.
            "phases": {"coverage": {"unexpected-methods": []}},
        }
    ),
)


@pytest.fixture(scope="module")
def caller(server):
    """A session with a key that may do everything in its tenant, and the key's id."""
    code = NEW_TENANT.format(models=MODELS)
    last = server.manage("shell", "-c", code).strip().splitlines()[-1]
    secret, key_id = json.loads(last)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {secret}"
        yield session, key_id


def reach_further(case, *, own_key_id: int) -> None:
    """Name models that are there, seven times of eight, and a new request each time.

    The key that all is asked with is neither revoked nor replaced.
    """
    for place in (case.path_parameters, case.headers, case.body):
        for name in NAMES if hasattr(place, "get") else ():
            if isinstance(place.get(name), str) and len(place[name]) % 8:
                place[name] = MODELS[len(place[name]) % len(MODELS)]
    if case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] += str(next(_numbers))
    if case.path_parameters.get("key_id") == own_key_id:
        case.path_parameters["key_id"] = 0


@schema.parametrize()
@settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_a_documented_one(case, server, caller) -> None:
    session, own_key_id = caller
    reach_further(case, own_key_id=own_key_id)

    answer = case.call(base_url=server.url, session=session, timeout=60)

    assert answer.status_code not in FAULTS, answer.text
    case.validate_response(answer, checks=CHECKS)
