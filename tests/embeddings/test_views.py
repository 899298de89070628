"""The ladder that every call climbs, from the first success to the last refusal."""

import numpy as np
import orjson
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Scope, UsageEvent
from embeddings.errors import ErrorCode
from tests.factories import make_api_key, make_tenant
from tests.fakes import FakeEngine, tokens_of, vector_of
from tests.wires import CHROMA, TEI, WIRES, Wire

TEXTS = ("hello world", "a", "hello world", "three words here")

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@every_wire
def test_it_works(wire: Wire, client: Client, house, engine: FakeEngine) -> None:
    response = wire.post(client, TEXTS, key=house.key)

    assert response.status_code == 200
    body = orjson.loads(response.content)
    expected = np.stack([vector_of(text) for text in TEXTS])
    assert (np.array(wire.vectors(body), dtype=np.float32) == expected).all()
    assert wire.tokens_of(body, response.headers) == sum(map(tokens_of, TEXTS))
    assert response["Content-Type"].startswith("application/json")


@every_wire
def test_a_success_is_one_ledger_row_found_by_the_request_id(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    texts = (*TEXTS, "word " * 300)
    if wire.dialect.name in {"azure_openai", "google", "nugen", "openai"}:
        texts = TEXTS
    before = timezone.now()

    response = wire.post(client, texts, key=house.key)

    event = UsageEvent.objects.get()
    assert str(event.event_id) == response["x-request-id"]
    assert (event.tenant, event.api_key.tenant) == (house.acme, house.acme)
    assert (event.model, event.wire) == ("all-MiniLM-L6-v2", wire.name)
    assert (event.status, event.texts) == (200, len(texts))
    assert event.tokens == sum(min(tokens_of(text), 256) for text in texts)
    assert event.truncated == len(texts) - len(TEXTS)
    assert before <= event.occurred_at <= timezone.now()
    assert event.latency_us > 0


@every_wire
@pytest.mark.parametrize(
    "header", ["x-chroma-token", "api-key", "x-goog-api-key", "Authorization"]
)
def test_the_key_may_come_in_any_header(
    wire: Wire, header: str, client: Client, house, engine: FakeEngine
) -> None:
    value = f"bearer {house.key}" if header == "Authorization" else house.key

    response = wire.post(client, key=None, headers={header: value})

    assert response.status_code == 200


@every_wire
@pytest.mark.parametrize(
    "key",
    ["junk", "emb_live_" + "0" * 38, "gültig".encode().decode("latin-1"), "' OR 1=1--"],
)
def test_a_bad_key_is_a_401_that_does_not_repeat_it(
    wire: Wire, key: str, client: Client, house, engine: FakeEngine
) -> None:
    response = wire.post(client, key=key)

    wire.error_of(response, 401)
    assert key.encode() not in response.content
    assert response["WWW-Authenticate"] == "Bearer"


@every_wire
def test_no_key_is_a_401(wire: Wire, client: Client, house, engine: FakeEngine) -> None:
    assert "key" in wire.error_of(wire.post(client, key=None), 401)


@every_wire
def test_truncated_and_changed_keys_are_401(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    for key in (house.key[:-1], house.key + "x", house.key.swapcase(), house.key[:20]):
        wire.error_of(wire.post(client, key=key), 401)
    digest = bytes(ApiKey.objects.get(tenant=house.acme).digest).hex()
    wire.error_of(wire.post(client, key=digest), 401)


@every_wire
def test_revoked_expired_and_inactive_are_one_answer(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    revoked = make_api_key(house.acme, revoked_at=timezone.now()).secret
    expired = make_api_key(house.acme, expires_at=timezone.now()).secret
    inactive = make_api_key(make_tenant(is_active=False)).secret

    answers = [wire.post(client, key=key) for key in (revoked, expired, inactive)]

    (message,) = {wire.error_of(answer, 401) for answer in answers}
    assert "valid" in message
    assert engine.jobs == []


@every_wire
def test_a_key_without_the_scope_is_a_403(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    key = make_api_key(house.acme, scopes=[Scope.USAGE]).secret

    wire.error_of(wire.post(client, key=key), 403)

    assert not UsageEvent.objects.exists()


@every_wire
def test_unknown_foreign_and_ungranted_models_are_one_answer(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    held = make_api_key(house.acme, model_names=["another"]).secret
    calls = [
        (house.key, "no-such-thing"),
        (house.key, house.foreign.name),
        (house.key, "globex-alias"),
        (house.key, house.ungranted.name),
        (house.outsider_key, house.model.name),
        (held, house.model.name),
    ]

    answers = [(wire.post(client, key=k, model=name), name) for k, name in calls]

    status = wire.status_of(ErrorCode.MODEL_NOT_FOUND)
    texts = {
        wire.error_of(answer, status).replace(name, "NAME") for answer, name in answers
    }
    assert len(texts) == 1
    assert not UsageEvent.objects.exists()


@every_wire
def test_a_wrong_method_names_the_right_ones(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
        response = client.generic(method, wire.path)

        wire.error_of(response, 405)
        assert response["Allow"] == "POST"
        assert "Access-Control-Allow-Origin" not in response


@every_wire
def test_head_of_a_post_route_is_a_405(wire: Wire, client: Client) -> None:
    assert client.head(wire.path).status_code == 405


@every_wire
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_a_404_of_its_wire(
    wire: Wire, method: str, client: Client, db: None
) -> None:
    for path in (
        wire.unknown_path,
        wire.unknown_path + "/",
        "/%0A".join(wire.unknown_path.rsplit("/", 1)),
    ):
        wire.error_of(
            client.generic(method, path, headers={"accept": "text/html"}), 404
        )


@every_wire
def test_a_trailing_slash_is_taken_without_a_redirect(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    response = wire.post(client, key=house.key, path=f"{wire.path}/")

    assert response.status_code == 200


@every_wire
def test_a_browsers_accept_header_changes_nothing(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    headers = {"accept": "text/html"}

    assert wire.post(client, key=house.key, headers=headers).status_code == 200
    wire.error_of(wire.post(client, key=None, headers=headers), 401)


@every_wire
def test_names_are_found_whatever_their_case_and_echoed_as_sent(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    for name in ("ALL-minilm-l6-V2", "all-minilm", "All-MiniLM:latest"):
        response = wire.post(client, key=house.key, model=name)

        assert response.status_code == 200
        body = orjson.loads(response.content)
        assert wire is TEI or body.get("model", name) == name


def test_chromas_base_url_embeds_too(client: Client, house, engine: FakeEngine) -> None:
    response = CHROMA.post(client, key=house.key, path="/")

    assert response.status_code == 200
    assert UsageEvent.objects.get().wire == "chroma"


@pytest.mark.parametrize(
    "path", ["/api/v3/inference/inference/embeddings", "/inference/embeddings"]
)
def test_nugens_older_paths_work(path: str, client: Client, house, engine) -> None:
    (nugen,) = (wire for wire in WIRES if wire.name == "nugen")

    assert nugen.post(client, key=house.key, path=path).status_code == 200
