"""Many clients at once: nobody's vector, and nobody's bill, depends on the others."""

import json
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import numpy as np
import pytest

from embeddings.errors import ErrorCode
from tests.clients import reference
from tests.wires import MODEL, WIRES, Wire

pytestmark = pytest.mark.clients

CLIENTS = 64
REQUESTS = 320
WORDS = ["red", "planet", "river", "invoice", "tenant", "tokens", "東京", "naïve"]


#: What these refuse where others cut.
REFUSE_LONG = {"azure_openai", "google", "nugen", "openai"}


@dataclass(frozen=True)
class Plan:
    wire: Wire
    texts: list[str]
    is_bad: bool


@dataclass(frozen=True)
class Outcome:
    plan: Plan
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]


def _plans() -> list[Plan]:
    dice = random.Random(7)
    plans = []
    for number in range(REQUESTS):
        texts = [
            " ".join(dice.choices(WORDS, k=dice.choice([1, 3, 8, 40, 300])))
            for _ in range(dice.choice([1, 1, 1, 2, 5, 9]))
        ]
        wire = WIRES[number % len(WIRES)]
        if wire.name in REFUSE_LONG:
            texts = [" ".join(text.split()[:40]) for text in texts]
        plans.append(Plan(wire, texts, is_bad=dice.random() < 0.15))
    return plans


def _send(server, plan: Plan) -> Outcome:
    model = "nope" if plan.is_bad else MODEL
    headers = {"Authorization": f"Bearer {server.key}"}
    if plan.wire.model_header:
        headers[plan.wire.model_header] = model
    path = plan.wire.path.replace(MODEL, model)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        body = json.dumps(plan.wire.body(plan.texts, model))
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return Outcome(plan, answer.status, dict(answer.headers), json.load(answer))
    finally:
        connection.close()


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
        refused = outcome.plan.wire.status_of(ErrorCode.MODEL_NOT_FOUND)
        assert outcome.status == (refused if outcome.plan.is_bad else 200), outcome.body


def test_every_vector_equals_its_solo_run(outcomes) -> None:
    good = [outcome for outcome in outcomes if outcome.status == 200]
    texts = sorted({text for outcome in good for text in outcome.plan.texts})
    solo = dict(zip(texts, reference.vectors(texts), strict=True))

    for outcome in good:
        expected = np.stack([solo[text] for text in outcome.plan.texts])
        found = np.asarray(outcome.plan.wire.vectors(outcome.body), dtype="f4")
        assert np.abs(found - expected).max() <= 2e-5


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
        wire = outcome.plan.wire
        assert wire.tokens_of(outcome.body, outcome.headers) == tokens
        assert rows[outcome.request_id] == (200, texts, tokens, wire.name)


def test_no_other_row_says_200(outcomes, server) -> None:
    good = sum(outcome.status == 200 for outcome in outcomes)
    now = server.query("SELECT count(*) FROM accounts_usageevent")[0][0]

    assert now - server.before == good
