"""Many clients at once: nobody's vector, and nobody's bill, depends on the others."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection

import numpy as np
import pytest

from tests.clients import reference

pytestmark = pytest.mark.clients

CLIENTS = 64
REQUESTS = 320
WORDS = ["red", "planet", "river", "invoice", "tenant", "tokens", "東京", "naïve"]


@dataclass(frozen=True)
class Plan:
    wire: str
    texts: list[str]
    is_bad: bool


@dataclass(frozen=True)
class Outcome:
    plan: Plan
    status: int
    request_id: str
    body: dict


def _plans() -> list[Plan]:
    dice = random.Random(7)
    plans = []
    for number in range(REQUESTS):
        texts = [
            " ".join(dice.choices(WORDS, k=dice.choice([1, 3, 8, 40, 300])))
            for _ in range(dice.choice([1, 1, 1, 2, 5, 9]))
        ]
        wire = ("chroma", "ollama", "nugen", "openai")[number % 4]
        if wire in {"nugen", "openai"}:
            texts = [" ".join(text.split()[:40]) for text in texts]
        plans.append(Plan(wire, texts, is_bad=dice.random() < 0.15))
    return plans


def _send(server, plan: Plan) -> Outcome:
    model = "nope" if plan.is_bad else "all-minilm"
    headers = {"Authorization": f"Bearer {server.key}"}
    path, body = {
        "chroma": ("/embed", {"texts": plan.texts, "instructions": ""}),
        "ollama": ("/api/embed", {"model": model, "input": plan.texts}),
        "nugen": (
            "/api/v3/inference/embeddings",
            {"model": model, "input": plan.texts},
        ),
        "openai": ("/v1/embeddings", {"model": model, "input": plan.texts}),
    }[plan.wire]
    if plan.wire == "chroma":
        headers["x-chroma-embedding-model"] = model
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return Outcome(
            plan, answer.status, answer.headers["x-request-id"], json.load(answer)
        )
    finally:
        connection.close()


def _vectors(outcome: Outcome) -> np.ndarray:
    body = outcome.body
    rows = body.get("embeddings") or [item["embedding"] for item in body["data"]]
    return np.asarray(rows, dtype="f4")


def _tokens(outcome: Outcome) -> int:
    body = outcome.body
    return {
        "chroma": lambda: body["num_tokens"],
        "ollama": lambda: body["prompt_eval_count"],
        "nugen": lambda: body["usage"]["total_tokens"],
        "openai": lambda: body["usage"]["prompt_tokens"],
    }[outcome.plan.wire]()


def _count(text: str) -> int:
    """Tokens as sentence-transformers' own tokenizer cuts them at 256."""
    ids = reference.model().tokenizer(text, truncation=True, max_length=256)
    return len(ids["input_ids"])


@pytest.fixture(scope="module")
def outcomes(server) -> list[Outcome]:
    server.before = server.query("SELECT count(*) FROM accounts_usageevent")[0][0]
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(lambda plan: _send(server, plan), _plans()))


def test_good_requests_succeed_and_bad_ones_do_not(outcomes) -> None:
    for outcome in outcomes:
        refused = 400 if outcome.plan.wire == "chroma" else 404
        assert outcome.status == (refused if outcome.plan.is_bad else 200), outcome.body


def test_every_vector_equals_its_solo_run(outcomes) -> None:
    good = [outcome for outcome in outcomes if outcome.status == 200]
    texts = sorted({text for outcome in good for text in outcome.plan.texts})
    solo = dict(zip(texts, reference.vectors(texts), strict=True))

    for outcome in good:
        expected = np.stack([solo[text] for text in outcome.plan.texts])
        assert np.abs(_vectors(outcome) - expected).max() <= 2e-5


def test_every_200_has_one_row_with_its_tokens(outcomes, server) -> None:
    rows = {
        str(event): (status, texts, tokens, wire)
        for event, status, texts, tokens, wire in server.query(
            "SELECT event_id, status, texts, tokens, wire FROM accounts_usageevent"
        )
    }

    for outcome in outcomes:
        if outcome.status != 200:
            assert outcome.request_id not in rows
            continue
        tokens = sum(map(_count, outcome.plan.texts))
        texts = len(outcome.plan.texts)
        assert _tokens(outcome) == tokens
        assert rows[outcome.request_id] == (200, texts, tokens, outcome.plan.wire)


def test_no_other_row_says_200(outcomes, server) -> None:
    good = sum(outcome.status == 200 for outcome in outcomes)
    now = server.query("SELECT count(*) FROM accounts_usageevent")[0][0]

    assert now - server.before == good
