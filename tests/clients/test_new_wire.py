"""A wire is one file: a server that has it speaks it, bills it and documents it."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from urllib.request import urlopen

import pytest

from tests.clients import reference
from tests.live import MODEL, ROOT, LiveServer

pytestmark = pytest.mark.clients

WIRE = ROOT / "tests" / "embeddings" / "dialects" / "telegraph.py"
PATH = f"/telegraph/{MODEL}/send"
TEXTS = ["hello", "why is the sky blue?"]
TOKENS = 3 + 8


@pytest.fixture(scope="module")
def telegraph(server: LiveServer, tmp_path_factory) -> Iterator[LiveServer]:
    """Another process on the same database, whose product has one more file."""
    copy = tmp_path_factory.mktemp("product")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "embeddings", copy / "embeddings", ignore=ignored)
    shutil.copy(WIRE, copy / "embeddings" / "dialects")
    places = [str(copy), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {**server.settings, "PYTHONPATH": os.pathsep.join(places)}
    live = replace(server, settings=own, port=0, process=None)
    live.start()
    yield live
    live.stop()


def ask(live: LiveServer, key: str, body: object, path: str = PATH):
    """The answer and its body, as JSON."""
    connection = HTTPConnection("127.0.0.1", live.port, timeout=60)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer, json.load(answer)
    finally:
        connection.close()


def test_it_answers_and_is_billed(telegraph) -> None:
    answer, body = ask(telegraph, telegraph.key, {"messages": TEXTS})

    assert (answer.status, body["words"]) == (200, TOKENS)
    reference.assert_same(body["sent"], TEXTS)
    rows = telegraph.ledger(answer.headers["x-request-id"])
    assert rows == [(200, len(TEXTS), TOKENS, MODEL, "telegraph")]


def test_quotas_bind_it(telegraph, key_with) -> None:
    key = key_with(tokens_month=TOKENS + 1)

    first, _ = ask(telegraph, key, {"messages": TEXTS})
    second, refusal = ask(telegraph, key, {"messages": TEXTS})

    assert first.headers["x-ratelimit-remaining-tokens"] == "1"
    assert (second.status, set(refusal)) == (429, {"stop"})
    assert int(second.headers["Retry-After"]) > 0
    assert telegraph.ledger(second.headers["x-request-id"]) == []


@pytest.mark.parametrize(
    ("path", "has_key", "body", "status"),
    [
        (PATH, False, {"messages": TEXTS}, 401),
        (PATH, True, {"messages": 5}, 400),
        (PATH, True, [], 400),
        ("/telegraph/nope/send", True, {"messages": TEXTS}, 404),
        ("/telegraph/nope", True, {}, 404),
    ],
    ids=["no-key", "bad-field", "no-object", "unknown-model", "unknown-path"],
)
def test_refusals_have_its_shape(telegraph, path, has_key, body, status) -> None:
    key = telegraph.key if has_key else ""

    answer, refusal = ask(telegraph, key, body, path)

    assert (answer.status, set(refusal)) == (status, {"stop"})


def test_it_is_documented_where_it_is(telegraph, server) -> None:
    def paths_of(live: LiveServer) -> dict:
        with urlopen(f"{live.url}/openapi.json", timeout=30) as answer:
            return json.load(answer)["paths"]

    operation = paths_of(telegraph)["/telegraph/{model}/send"]["post"]

    assert operation["tags"] == ["Telegraph"]
    assert operation["requestBody"]["content"]["application/json"]["example"]
    assert "/telegraph/{model}/send" not in paths_of(server)
    assert ask(server, server.key, {"messages": TEXTS})[0].status == 404
