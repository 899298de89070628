"""TEI's routes: whose the shared paths are, what a server tells of itself."""

import orjson
import pytest
from django.test import Client

from accounts.models import UsageEvent
from embeddings.catalog import lookup
from tests.factories import grant, make_model
from tests.fakes import FakeEngine
from tests.wires import CHROMA, TEI

SHARED = ["/", "/embed", "/embed_sparse"]
CHROMAS = {"x-chroma-embedding-model": "all-minilm"}


def post(client: Client, path: str, body: object, key: str | None, **headers: str):
    headers |= {"authorization": f"Bearer {key}"} if key else {}
    raw = orjson.dumps(body)
    return client.post(path, raw, content_type="text/plain", headers=headers)


@pytest.fixture
def sparse(house) -> None:
    """A tenant whose default model makes both kinds of vectors."""
    house.acme.model_grants.all().delete()
    both = make_model("m3", output="both", dimensions=384)
    grant(house.acme, both, is_default=True)


@pytest.mark.parametrize("path", SHARED)
@pytest.mark.parametrize("headers", [{}, CHROMAS], ids=["bare", "as-chroma"])
def test_the_body_says_whose_a_shared_path_is(
    path, headers, client: Client, house, engine: FakeEngine, sparse
) -> None:
    theirs = post(client, path, {"inputs": "hello"}, house.key, **headers)
    chromas = {"texts": ["hello"], "instructions": ""}
    model = {"x-chroma-embedding-model": "m3"}
    ours = post(client, path, chromas, house.key, **model)

    assert isinstance(theirs.json(), list)
    assert set(ours.json()) == {"embeddings", "num_tokens"}
    wires = UsageEvent.objects.values_list("wire", "model")
    assert set(wires) == {("tei", "m3"), ("chroma", "m3")}


@pytest.mark.parametrize("path", SHARED)
def test_the_headers_say_whose_an_error_is(path: str, client: Client, house) -> None:
    TEI.error_of(post(client, path, {}, None), 401)
    CHROMA.error_of(post(client, path, {}, None, **CHROMAS), 401)
    TEI.error_of(post(client, path, {}, house.key), 422)
    CHROMA.error_of(post(client, path, {}, house.key, **CHROMAS), 400)


def test_a_tenant_without_a_default_model_must_name_one(
    client: Client, house, engine: FakeEngine
) -> None:
    for path in SHARED:
        response = post(client, path, {"inputs": "hello"}, house.outsider_key)

        assert "model" in TEI.error_of(response, 422)


def test_sparse_vectors_are_pairs(
    client: Client, house, engine: FakeEngine, sparse
) -> None:
    path = "/tei/m3/embed_sparse"

    response = post(client, path, {"inputs": ["a red fox", "b"]}, house.key)

    first, second = response.json()
    assert first == [{"index": 1, "value": 1.0}, {"index": 3, "value": 2.0}]
    assert [one["index"] for one in second] == [1]


def test_a_model_of_the_other_kind_is_a_failed_dependency(
    client: Client, house, engine: FakeEngine
) -> None:
    path = "/tei/all-minilm/embed_sparse"

    response = post(client, path, {"inputs": "hello"}, house.key)

    TEI.error_of(response, 424)
    assert response.json()["error_type"] == "Backend"


def test_a_servers_own_address_embeds(
    client: Client, house, engine: FakeEngine
) -> None:
    for path in ("/tei/all-minilm", "/tei/all-minilm/", "/tei/all-minilm/embed"):
        assert post(client, path, {"inputs": "a"}, house.key).status_code == 200
    TEI.error_of(post(client, "/tei/x/rerank", {"inputs": "a"}, house.key), 404)


def test_length_and_prompt_reach_the_engine(
    client: Client, house, engine: FakeEngine
) -> None:
    body = {"inputs": "hello", "normalize": False, "prompt_name": "query"}
    post(client, TEI.path, body, house.key)
    post(client, TEI.path, {"inputs": "hello"}, house.key)

    found = [(job.normalize, job.prompt_name) for job in engine.jobs]
    assert found == [(False, "query"), (True, None)]


@pytest.mark.parametrize("path", ["/tei/ALL-minilm/info", "/info"])
def test_info_is_the_models(path: str, client: Client, house, settings) -> None:
    settings.MAX_TEXTS = 100
    headers = {"authorization": f"Bearer {house.key}"}

    info = client.get(path, headers=headers).json()

    named = "ALL-minilm" if "tei" in path else "all-MiniLM-L6-v2"
    assert info["model_id"] == named
    assert (info["max_input_length"], info["max_client_batch_size"]) == (256, 100)
    TEI.error_of(client.get(path), 401)


@pytest.mark.parametrize("path", ["/tei/all-minilm/health", "/health"])
def test_health_is_whether_the_model_can_be_asked(
    path, client: Client, house, engine: FakeEngine, monkeypatch
) -> None:
    headers = {"authorization": f"Bearer {house.key}"}

    well = client.get(path, headers=headers)
    monkeypatch.setattr("embeddings.service.trouble", lambda: "a thread is stuck")
    ill = client.get(path, headers=headers)

    assert (well.status_code, well.content) == (200, b"")
    message = TEI.error_of(ill, 503)
    assert "stuck" not in message
    assert ill["Retry-After"]
    TEI.error_of(client.get(path), 401)


def test_health_of_what_is_not_there(client: Client, house, monkeypatch) -> None:
    headers = {"authorization": f"Bearer {house.key}"}
    path = "/tei/all-minilm/health"

    TEI.error_of(client.get("/tei/nope/health", headers=headers), 404)
    foreign = {"authorization": f"Bearer {house.outsider_key}"}
    TEI.error_of(client.get(path, headers=foreign), 404)
    monkeypatch.setattr(lookup.CatalogEntry, "runnable", _not_downloaded)
    ill = client.get(path, headers=headers)
    assert (ill.status_code, ill.json()["error_type"]) == (503, "Unhealthy")


def _not_downloaded(entry: lookup.CatalogEntry) -> None:
    raise lookup.UnavailableError("not downloaded", retry_after_s=60)
