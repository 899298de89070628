"""How a client of each wire asks and reads, so that one test serves all wires."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from django.test import Client

from embeddings.dialects.base import Dialect
from embeddings.errors import ErrorCode
from tests.samples import a_failure, dialect_named

MODEL = "all-minilm"

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One wire's client: what it sends, and where it looks in the answer.

    A path that names the model names MODEL.
    """

    name: str
    path: str
    body: Callable[[Sequence[str], str], Body]
    model_header: str = ""
    vectors: Callable[[Any], list[list[float]]]
    tokens: Callable[[Any], int] = lambda _: -1
    tokens_header: str = ""
    error: Callable[[Body], str]
    unknown_path: str

    @property
    def dialect(self) -> Dialect:
        """The dialect that it speaks."""
        return dialect_named(self.name)

    def status_of(self, code: ErrorCode) -> int:
        """The status this wire gives an error, as its golden bodies pin it."""
        return self.dialect.render_error(a_failure(code)).status

    def post(
        self,
        client: Client,
        texts: Sequence[str] = ("hello world",),
        *,
        key: str | None,
        model: str = MODEL,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> Any:
        """Send texts, or a raw body; the content type is curl's default."""
        body = orjson.dumps(self.body(texts, model)) if raw is None else raw
        sent = {"authorization": f"Bearer {key}"} if key else {}
        if self.model_header:
            sent[self.model_header] = model
        return client.generic(
            "POST",
            extra.pop("path", self.path.replace(MODEL, quote(model))),
            body,
            content_type=extra.pop("content_type", "application/x-www-form-urlencoded"),
            headers=sent | dict(headers or {}),
            **extra,
        )

    def tokens_of(self, body: Any, headers: Mapping[str, str]) -> int:
        """The tokens that an answer tells, wherever this wire tells them."""
        if self.tokens_header:
            return int(headers[self.tokens_header])
        return self.tokens(body)

    def error_of(self, response: Any, status: int) -> str:
        """The message of a refusal, after its status and shape were checked."""
        assert response.status_code == status, response.content[:500]
        assert response["Content-Type"].startswith("application/json")
        assert len(response["x-request-id"]) == 36
        body = orjson.loads(response.content)
        assert not isinstance(body.get("detail"), str)
        message = self.error(body)
        assert isinstance(message, str)
        assert message
        return message


def _nugen_error(body: Body) -> str:
    (item,) = body["detail"]
    assert set(item) == {"loc", "msg", "type"}
    return str(item["msg"])


def _openai_error(body: Body) -> str:
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return str(body["error"]["message"])


def _plain_error(body: Body) -> str:
    assert set(body) == {"error"}
    assert isinstance(body["error"], str)
    return body["error"]


def _cohere_error(body: Body) -> str:
    assert set(body) == {"id", "message"}
    assert len(body["id"]) == 36
    return str(body["message"])


def _google_error(body: Body) -> str:
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "status", "details"}
    return str(body["error"]["message"])


def _azure_error(body: Body) -> str:
    """The gateway's own, or one of the model behind it."""
    assert set(body) == {"error"}
    if set(body["error"]) != {"code", "message"}:
        return _openai_error(body)
    assert isinstance(body["error"]["code"], str)
    return str(body["error"]["message"])


def _tei_error(body: Body) -> str:
    assert set(body) == {"error", "error_type"}
    assert body["error_type"] in {
        *("Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty")
    }
    return str(body["error"])


def _listed(body: Body) -> list[list[float]]:
    return [item["embedding"] for item in body["data"]]


CHROMA = Wire(
    name="chroma",
    path="/embed",
    body=lambda texts, _: {"texts": list(texts), "instructions": ""},
    model_header="x-chroma-embedding-model",
    vectors=lambda body: body["embeddings"],
    tokens=lambda body: body["num_tokens"],
    error=_plain_error,
    unknown_path="/embed/nope",
)
OLLAMA = Wire(
    name="ollama",
    path="/api/embed",
    body=lambda texts, model: {"model": model, "input": list(texts)},
    vectors=lambda body: body["embeddings"],
    tokens=lambda body: body["prompt_eval_count"],
    error=_plain_error,
    unknown_path="/api/nope",
)
NUGEN = Wire(
    name="nugen",
    path="/api/v3/inference/embeddings",
    body=lambda texts, model: {"model": model, "input": list(texts)},
    vectors=_listed,
    tokens=lambda body: body["usage"]["total_tokens"],
    error=_nugen_error,
    unknown_path="/api/v3/nope",
)
OPENAI = Wire(
    name="openai",
    path="/v1/embeddings",
    body=lambda texts, model: {"model": model, "input": list(texts)},
    vectors=_listed,
    tokens=lambda body: body["usage"]["total_tokens"],
    error=_openai_error,
    unknown_path="/v1/nope",
)
COHERE = Wire(
    name="cohere",
    path="/v2/embed",
    body=lambda texts, model: {"model": model, "texts": list(texts)},
    vectors=lambda body: body["embeddings"]["float"],
    tokens=lambda body: body["meta"]["billed_units"]["input_tokens"],
    error=_cohere_error,
    unknown_path="/v2/nope",
)
GOOGLE = Wire(
    name="google",
    path=f"/v1beta/models/{MODEL}:batchEmbedContents",
    body=lambda texts, _: {
        "requests": [{"content": {"parts": [{"text": text}]}} for text in texts]
    },
    vectors=lambda body: [one["values"] for one in body["embeddings"]],
    tokens=lambda body: body["usageMetadata"]["totalTokenCount"],
    error=_google_error,
    unknown_path="/v1beta/nope",
)
AZURE = Wire(
    name="azure_openai",
    path=f"/openai/deployments/{MODEL}/embeddings",
    body=lambda texts, _: {"input": list(texts)},
    vectors=_listed,
    tokens=lambda body: body["usage"]["total_tokens"],
    error=_azure_error,
    unknown_path="/openai/nope",
)
TEI = Wire(
    name="tei",
    path=f"/tei/{MODEL}/embed",
    body=lambda texts, _: {"inputs": list(texts)},
    vectors=lambda body: body,
    tokens_header="x-compute-tokens",
    error=_tei_error,
    unknown_path="/info/nope",
)
WIRES = (CHROMA, OLLAMA, NUGEN, OPENAI, COHERE, GOOGLE, AZURE, TEI)
