"""Quotas as real clients meet them, over two processes."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import cohere
import httpx
import ollama
import openai
import pytest
from cohere.core.api_error import ApiError

from tests.live import MODEL, LiveServer

pytestmark = pytest.mark.clients

#: Tokens of "hello": the word, and one at each end.
HELLO = 3


def client_of(live: LiveServer, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live.url}/v1", api_key=key, max_retries=0)


def test_openais_client_reads_what_is_left_and_what_is_spent(server, key_with) -> None:
    client = client_of(server, key_with(rpm=100, tokens_month=2 * HELLO))

    first = client.embeddings.with_raw_response.create(model=MODEL, input="hello")
    client.embeddings.create(model=MODEL, input="hello")
    with pytest.raises(openai.RateLimitError) as refusal:
        client.embeddings.create(model=MODEL, input="hello")

    headers = first.headers
    assert headers["x-ratelimit-limit-requests"] == "100"
    assert headers["x-ratelimit-remaining-requests"] == "99"
    assert headers["x-ratelimit-remaining-tokens"] == str(HELLO)
    assert f'"tokens-month";r={HELLO}' in headers["ratelimit"]
    assert refusal.value.code == "insufficient_quota"
    answer = refusal.value.response
    assert answer.headers["x-should-retry"] == "false"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-ratelimit-remaining-tokens"] == "0"


def test_openais_client_waits_for_a_rate(server, key_with) -> None:
    client = client_of(server, key_with(rpm=0))

    with pytest.raises(openai.RateLimitError) as refusal:
        client.embeddings.create(model=MODEL, input="hello")

    assert refusal.value.code == "rate_limit_exceeded"
    assert "x-should-retry" not in refusal.value.response.headers


def test_ollamas_client_is_refused_in_its_own_words(server, key_with) -> None:
    headers = {"authorization": f"Bearer {key_with(tokens_month=1)}"}
    client = ollama.Client(host=server.url, headers=headers)

    with pytest.raises(ollama.ResponseError, match="limit 1, left 1, needed 3") as no:
        client.embed(model=MODEL, input="hello")

    assert no.value.status_code == 429
    client._client.close()


def test_coheres_client_does_not_wait_for_a_spent_month(server, key_with) -> None:
    client = cohere.ClientV2(base_url=server.url, api_key=key_with(tokens_month=1))

    with pytest.raises(ApiError, match="limit 1, left 1, needed 3") as no:
        client.embed(model=MODEL, input_type="search_query", texts=["hello"])

    assert no.value.status_code == 402


@pytest.mark.parametrize("wire", ["embed", "api/v3/inference/embeddings"])
def test_other_wires_are_refused_in_their_shape(server, key_with, wire) -> None:
    body = {"texts": ["hello"], "task": "", "target": ""}
    if wire != "embed":
        body = {"model": MODEL, "input": "hello"}
    headers = {
        "authorization": f"Bearer {key_with(tpd=1)}",
        "x-chroma-embedding-model": MODEL,
    }

    answer = httpx.post(f"{server.url}/{wire}", json=body, headers=headers)

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "ratelimit-policy" in answer.headers


def test_a_quota_is_used_to_the_last_token_by_clients_of_two_processes(
    server, neighbour, key_with
) -> None:
    """Texts of random length; what is left over still fits, and nothing beyond it."""
    limit = 400
    key = key_with(tokens_month=limit)
    used: Counter[int] = Counter()

    def ask(number: int) -> None:
        chance = random.Random(number)
        with client_of((server, neighbour)[number % 2], key) as client:
            while True:
                text = " ".join(["hello"] * chance.randint(1, 20))
                try:
                    answer = client.embeddings.create(model=MODEL, input=text)
                except openai.RateLimitError:
                    return
                used[number] += answer.usage.total_tokens

    with ThreadPoolExecutor(16) as clients:
        list(clients.map(ask, range(16)))

    rest = limit - sum(used.values())
    assert 0 <= rest < 22
    with client_of(neighbour, key) as client:
        if rest >= HELLO:
            text = " ".join(["hello"] * (rest - HELLO + 1))
            answer = client.embeddings.create(model=MODEL, input=text)
            assert answer.usage.total_tokens == rest
        with pytest.raises(openai.RateLimitError):
            client.embeddings.create(model=MODEL, input="hello")


def test_a_repeated_request_is_billed_once_by_whichever_process(
    server, neighbour, key_with
) -> None:
    key = key_with(tokens_month=HELLO)
    named = {"Idempotency-Key": "order 7"}

    replayed = []
    for live in (server, neighbour, server):
        with client_of(live, key) as client:
            made = client.embeddings.with_raw_response.create(
                model=MODEL, input="hello", extra_headers=named
            )
            replayed.append(made.headers.get("idempotency-replayed"))

    assert replayed == [None, "true", "true"]
    with client_of(server, key) as client, pytest.raises(openai.RateLimitError):
        client.embeddings.create(model=MODEL, input="hello")
