"""What a client sends, in how many requests, and what it may be told to send."""

import copy
import pickle

import pytest
from pydantic import ValidationError

from embeddings.clients.server import DOCUMENTS, QUERY, Settings
from tests.embeddings.clients.conftest import KEY, VARIABLE, embed, server_at


def test_a_request_says_who_asks_for_what(script) -> None:
    embed(script, task="nl_to_code")

    assert script.paths == ["/embed"]
    assert script.asked == [
        {
            "texts": ["hello"],
            "instructions": None,
            "task": "nl_to_code",
            "target": "documents",
        }
    ]
    (headers,) = script.headers
    assert headers["x-chroma-token"] == KEY
    assert headers["x-chroma-embedding-model"] == "all-minilm"
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("target", "instruction"), [(QUERY, "Find it"), (DOCUMENTS, "")], ids=str
)
def test_queries_and_documents_have_their_own_instruction(
    script, target, instruction
) -> None:
    own = {"query_instruction": "Find it", "document_instruction": ""}

    embed(script, target=target, **own)

    (body,) = script.asked
    assert body["instructions"] == instruction
    assert (body["task"], body["target"]) == ("", target)


@pytest.mark.parametrize(
    ("texts", "limits", "parts"),
    [
        ("abcdef", {"max_texts": 4}, ["abcd", "ef"]),
        ("abcd", {"max_texts": 4}, ["abcd"]),
        # Each of them is 5 bytes, with its quotes and a comma.
        ("abcdef", {"max_bytes": 10}, ["ab", "cd", "ef"]),
        ("abc", {"max_bytes": 1}, ["a", "b", "c"]),
        ("aé", {"max_bytes": 10}, ["a", "é"]),
        ("", {}, []),
    ],
    ids=["count", "count-reached", "bytes", "alone", "utf-8", "none"],
)
def test_texts_are_split_and_stay_in_order(script, texts, limits, parts) -> None:
    embed(script, list(texts), **limits)

    assert script.texts == [list(part) for part in parts]


def test_vectors_are_told_by_request(script) -> None:
    vectors = embed(script, ["a", "bb", "ccc"], max_texts=2)

    assert vectors == [[[1.0, 1.0], [2.0, 1.0]], [[3.0, 1.0]]]


@pytest.mark.parametrize(
    "texts", ["hello", ["a", 1], ["a", None], [b"a"], ["\ud800"]], ids=ascii
)
def test_what_is_no_list_of_texts_is_not_sent(script, texts) -> None:
    with pytest.raises(ValueError, match=r"list of texts|surrogates"):
        embed(script, texts)

    assert script.asked == []


@pytest.mark.parametrize("key", [None, "", " \n", "é", "a\nb"], ids=ascii)
def test_the_key_must_be_in_the_environment(script, monkeypatch, key) -> None:
    monkeypatch.delenv(VARIABLE)
    if key is not None:
        monkeypatch.setenv(VARIABLE, key)

    with pytest.raises(ValueError, match=f"{VARIABLE} holds no API key"):
        embed(script)

    assert script.asked == []


def test_copies_ask_over_connections_of_their_own(script) -> None:
    server = server_at(script)
    assert list(server.embed(["a"], QUERY)) == [[[1.0, 1.0]]]

    for other in (copy.deepcopy(server), pickle.loads(pickle.dumps(server))):
        assert other.http is not server.http
        assert list(other.embed(["bb"], QUERY)) == [[[2.0, 1.0]]]
        assert other.settings == server.settings


GOOD_SETTINGS = {"url": "http://h:1", "model": "m"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "h:1"},
        {"url": "ftp://h"},
        {"url": "http://"},
        {"url": "http://h:port"},
        {"url": "http://me:secret@h"},
        {"url": "http://h?key=secret"},
        {"url": None},
        {"model": ""},
        {"model": " m"},
        {"model": "é"},
        {"model": "a\nb"},
        {"api_key_env_var": ""},
        {"api_key": "secret"},
        {"task": 1},
        {"query_instruction": ["secret"]},
        {"max_texts": 0},
        {"max_texts": "5"},
        {"max_texts": True},
        {"max_bytes": 1.5},
        {"max_tries": 0},
        {"timeout_s": 0},
        {"timeout_s": float("inf")},
        {"deadline_s": float("nan")},
    ],
    ids=ascii,
)
def test_wrong_settings_are_refused_by_name_without_their_values(wrong) -> None:
    with pytest.raises(ValueError, match=f"(?s).*{next(iter(wrong))}") as caught:
        Settings(**{**GOOD_SETTINGS, **wrong})

    assert isinstance(caught.value, ValidationError)
    assert "secret" not in str(caught.value)


def test_a_path_before_the_routes_is_kept() -> None:
    settings = Settings(url="https://h.example/embedding/", model="BAAI/bge m3")

    assert settings.url == "https://h.example/embedding"
