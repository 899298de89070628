"""The unmodified `AzureOpenAI`, `OpenAI` at Azure's newer address, and chromadb's."""

import openai
import pytest
from chromadb.utils.embedding_functions import OpenAIEmbeddingFunction

from tests.clients import reference

pytestmark = [
    pytest.mark.clients,
    # chromadb's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TEXTS = tuple(text for text in reference.TEXTS if text)
VERSION = "2024-10-21"


def azure(server, **options) -> openai.AzureOpenAI:
    fields = {"api_key": server.key, "api_version": VERSION, "max_retries": 0}
    return openai.AzureOpenAI(azure_endpoint=server.url, **{**fields, **options})


@pytest.fixture
def client(server):
    return azure(server)


@pytest.fixture
def v1(server):
    base_url = f"{server.url}/openai/v1/"
    return openai.OpenAI(base_url=base_url, api_key=server.key, max_retries=0)


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}], ids=str)
@pytest.mark.parametrize("name", ["client", "v1"])
def test_vectors_are_those_of_sentence_transformers(request, name, encoding) -> None:
    answer = request.getfixturevalue(name).embeddings.create(
        model="all-MiniLM-L6-v2", input=list(TEXTS), **encoding
    )

    assert answer.model == "all-MiniLM-L6-v2"
    reference.assert_same([item.embedding for item in answer.data], TEXTS)


def test_a_name_with_a_slash_is_a_deployment(client, server) -> None:
    answer = client.embeddings.with_raw_response.create(
        model="sentence-transformers/all-MiniLM-L6-v2", input="hello"
    )

    assert "%2F" in str(answer.http_request.url)
    assert answer.parse().model == "sentence-transformers/all-MiniLM-L6-v2"
    rows = server.ledger(answer.headers["x-request-id"])
    assert rows == [(200, 1, 3, "all-MiniLM-L6-v2", "azure_openai")]


def test_the_clients_deployment_goes_before_the_model(server) -> None:
    client = azure(server, azure_deployment="all-minilm")

    answer = client.embeddings.create(model="anything", input="hello")

    assert answer.model == "all-minilm"


def test_an_entra_token_is_a_key_too(server) -> None:
    client = azure(server, api_key=None, azure_ad_token=server.key)

    assert client.embeddings.create(model="all-minilm", input="a").usage.total_tokens


@pytest.mark.parametrize("name", ["client", "v1"])
def test_models_are_listed_and_shown(request, name) -> None:
    client = request.getfixturevalue(name)

    assert "all-MiniLM-L6-v2" in [model.id for model in client.models.list()]
    shown = client.models.retrieve("sentence-transformers/all-MiniLM-L6-v2")
    assert shown.id == "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.parametrize("name", ["client", "v1"])
@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"model": "org/nope"}, openai.NotFoundError, "DeploymentNotFound"),
        ({"input": ""}, openai.BadRequestError, None),
        ({"input": ["word " * 1000]}, openai.BadRequestError, None),
        ({"input": ["x"] * 2049}, openai.BadRequestError, None),
        ({"dimensions": 128}, openai.BadRequestError, None),
    ],
    ids=["unknown-model", "empty-text", "too-long", "too-many", "fixed-size"],
)
def test_refusals_have_their_exception(request, name, wrong, error, code) -> None:
    client = request.getfixturevalue(name)
    with pytest.raises(error) as caught:
        client.embeddings.create(**{"model": "all-minilm", "input": "a", **wrong})

    assert caught.value.code == code
    assert caught.value.request_id


def test_a_wrong_key_is_an_authentication_error(server) -> None:
    with pytest.raises(openai.AuthenticationError, match="Access denied") as caught:
        azure(server, api_key="wrong").embeddings.create(model="m", input="a")

    assert caught.value.code == "401"


def test_what_is_no_embedding_is_not_found(client) -> None:
    messages = [{"role": "user", "content": "hello"}]
    with pytest.raises(openai.NotFoundError, match="Resource not found") as caught:
        client.chat.completions.create(model="all-minilm", messages=messages)

    assert caught.value.code == "404"


def test_chromadbs_function(server, monkeypatch) -> None:
    monkeypatch.setenv("KEY_OF_AZURE", server.key)
    function = OpenAIEmbeddingFunction(
        api_type="azure",
        api_base=server.url,
        api_version=VERSION,
        deployment_id="sentence-transformers/all-MiniLM-L6-v2",
        api_key_env_var="KEY_OF_AZURE",
    )

    reference.assert_same(function(list(TEXTS)), TEXTS)
