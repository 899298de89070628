"""Plain curl, which sends a form's content type and no questions."""

import json
import shutil
import subprocess

import pytest

from embeddings.openapi import curl_examples
from tests.clients import reference

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]

TEXT = "why is the sky blue?"


def _curl(server, path: str, body: str, *options: str) -> tuple[int, dict]:
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", f"{server.url}{path}", *options],
        input=body,
        capture_output=True,
        text=True,
        check=True,
    )
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


def _embed(server, path: str, body: dict, *options: str) -> dict:
    status, answer = _curl(
        server, path, json.dumps(body), "-d", "@-", *_key(server), *options
    )
    assert status == 200, answer
    return answer


def _key(server) -> tuple[str, str]:
    return ("-H", f"Authorization: Bearer {server.key}")


def test_the_four_wires_give_one_vector(server) -> None:
    header = ("-H", "X-Chroma-Embedding-Model: all-MiniLM-L6-v2")
    chroma = _embed(server, "/embed", {"texts": [TEXT], "instructions": ""}, *header)
    ollama = _embed(server, "/api/embed", {"model": "all-minilm", "input": TEXT})
    nugen = _embed(
        server,
        "/api/v3/inference/embeddings",
        {"model": "all-minilm", "input": TEXT},
    )
    openai = _embed(server, "/v1/embeddings", {"model": "all-minilm", "input": TEXT})

    found = [
        chroma["embeddings"][0],
        ollama["embeddings"][0],
        nugen["data"][0]["embedding"],
        openai["data"][0]["embedding"],
    ]
    reference.assert_same(found, [TEXT] * 4)
    assert chroma["num_tokens"] == ollama["prompt_eval_count"] == 8
    assert nugen["usage"] == {"total_tokens": 8}
    assert openai["usage"] == {"prompt_tokens": 8, "total_tokens": 8}


@pytest.mark.parametrize("path", ["", "/", "/embed", "/embed/"])
def test_chroma_answers_at_every_address_its_clients_use(server, path) -> None:
    header = ("-H", "x-chroma-embedding-model: all-minilm")
    answer = _embed(server, path, {"texts": [TEXT], "instructions": ""}, *header)

    reference.assert_same(answer["embeddings"], [TEXT])


@pytest.mark.parametrize(
    "header",
    [
        "x-chroma-token: {}",
        "api-key: {}",
        "X-Goog-Api-Key: {}",
        "authorization: bearer {}",
    ],
)
def test_any_header_may_carry_the_key(server, header) -> None:
    body = json.dumps({"model": "all-minilm", "input": TEXT})
    status, _ = _curl(
        server, "/api/embed", body, "-d", "@-", "-H", header.format(server.key)
    )

    assert status == 200


def test_chunked_body_is_read(server) -> None:
    chunked = ("-H", "Transfer-Encoding: chunked")
    body = {"model": "all-minilm", "input": TEXT}
    answer = _embed(server, "/v1/embeddings", body, *chunked)

    reference.assert_same([answer["data"][0]["embedding"]], [TEXT])


def test_printed_examples_work_as_they_are(server, tmp_path) -> None:
    key_file = tmp_path / "a key"
    key_file.write_text(server.key)
    for example in curl_examples(base_url=server.url, key_file=str(key_file)):
        done = subprocess.run(
            ["bash", "-c", example.command], capture_output=True, text=True, check=True
        )
        assert "error" not in json.loads(done.stdout), example.title
        assert "detail" not in json.loads(done.stdout), example.title
