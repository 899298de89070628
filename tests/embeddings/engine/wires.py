"""What vendors answer, each on its own wire, to whatever is asked of them."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from embeddings.engine.spec import Endpoint, ModelSpec, Output
from tests.embeddings.engine.vendor import Answered, Asked

WIDTH = 4
SECRET = "sk-canary-0123456789"


def vector_of(given: object, width: int = WIDTH) -> list[float]:
    """A vector that tells its text: the length, then zeros."""
    return [float(len(given)), *[0.0] * (width - 1)]  # type: ignore[arg-type]


def make_endpoint(url: str, backend: str = "openai", **changes: Any) -> Endpoint:
    """An endpoint of this machine."""
    facts: dict[str, Any] = {
        "provider_id": 1,
        "provider": "acme-ai",
        "backend": backend,
        "url": url,
        "secret": SECRET,
        "allowed_hosts": frozenset({"127.0.0.1"}),
    }
    return Endpoint(**{**facts, **changes})


def make_spec(endpoint: Endpoint, **changes: Any) -> ModelSpec:
    """Somebody else's model of four dimensions."""
    facts: dict[str, Any] = {
        "name": "their-model",
        "source": "",
        "family": "",
        "outputs": frozenset({Output.DENSE}),
        "dimensions": WIDTH,
        "max_tokens": 512,
        "endpoint": endpoint,
        "remote_name": "embed-1",
    }
    return ModelSpec(**{**facts, **changes})


def openai(asked: Asked, *, tokens: int | None = 3) -> Answered:
    """OpenAI's answer, in base64 where that is asked for, the last text first."""
    given = asked.body["input"]
    rows = [vector_of(one, asked.body.get("dimensions", WIDTH)) for one in given]
    data = [
        {"object": "embedding", "index": index, "embedding": row}
        for index, row in enumerate(rows)
    ]
    if asked.body.get("encoding_format") == "base64":
        for one in data:
            raw = np.array(one["embedding"], dtype="<f4").tobytes()
            one["embedding"] = base64.b64encode(raw).decode()
    usage = tokens and {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {"object": "list", "model": "embed-1", "data": data[::-1], "usage": usage}
    return Answered(body=body)


def cohere(asked: Asked, *, tokens: int | None = 3) -> Answered:
    """Cohere's answer, to embed and to tokenize."""
    if asked.path.endswith("/tokenize"):
        words = asked.body["text"].split()
        ids = list(range(len(words)))
        return Answered(body={"tokens": ids, "token_strings": words, "meta": {}})
    width = asked.body.get("output_dimension", WIDTH)
    vectors = [vector_of(text, width) for text in asked.body["texts"]]
    meta: dict[str, Any] = {"api_version": {"version": "2"}}
    if tokens is not None:
        meta["billed_units"] = {"input_tokens": tokens}
    return Answered(
        body={
            "response_type": "embeddings_by_type",
            "id": "0",
            "texts": asked.body["texts"],
            "embeddings": {"float": vectors},
            "meta": meta,
        }
    )


def google(asked: Asked, *, tokens: int | None = 3) -> Answered:
    """Gemini's answer, to batchEmbedContents and to countTokens."""
    if asked.path.endswith(":countTokens"):
        texts = [one["parts"][0]["text"] for one in asked.body["contents"]]
        return Answered(body={"totalTokens": sum(len(text.split()) for text in texts)})
    found = asked.body["requests"]
    vectors = [
        vector_of(one["content"]["parts"][0]["text"], one["outputDimensionality"])
        for one in found
    ]
    body: dict[str, Any] = {"embeddings": [{"values": vector} for vector in vectors]}
    if tokens is not None:
        body["usageMetadata"] = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    return Answered(body=body)


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One vendor's wire: how it answers, and where its refusals and texts are."""

    backend: str
    answer: Callable[..., Answered]
    batch: int
    path: str
    texts: Callable[[Any], list[str]]
    too_long: Any

    def __str__(self) -> str:
        return self.backend


OPENAI = Wire(
    backend="openai",
    answer=openai,
    batch=2048,
    path="/embeddings",
    texts=lambda body: body["input"],
    too_long={
        "error": {
            "message": "This model's maximum context length is 8192 tokens, however"
            " you requested 8610 tokens. Please reduce your prompt: SECRET-TEXT",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    },
)
AZURE = Wire(
    backend="azure",
    answer=openai,
    batch=2048,
    path="/openai/deployments/embed-1/embeddings?api-version=2024-10-21",
    texts=OPENAI.texts,
    too_long=OPENAI.too_long,
)
COHERE = Wire(
    backend="cohere",
    answer=cohere,
    batch=96,
    path="/v2/embed",
    texts=lambda body: body["texts"],
    too_long={"id": "0", "message": "too many tokens: 513 of 512 SECRET-TEXT"},
)
GOOGLE = Wire(
    backend="google",
    answer=google,
    batch=100,
    path="/v1beta/models/embed-1:batchEmbedContents",
    texts=lambda body: [one["content"]["parts"][0]["text"] for one in body["requests"]],
    too_long={
        "error": {
            "code": 400,
            "message": "The input token count (9000) exceeds the limit: SECRET-TEXT",
            "status": "INVALID_ARGUMENT",
        }
    },
)
WIRES = (OPENAI, AZURE, COHERE, GOOGLE)
