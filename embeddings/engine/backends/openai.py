"""OpenAI's embeddings, and whatever else speaks like them at a URL of its own.

Source: OpenAI's API reference (2,048 inputs and 300,000 tokens in a call).
"""

import base64
import binascii
import importlib
import logging
import re
from typing import Any

import numpy as np

from embeddings.engine.backends.base import Backend
from embeddings.engine.remote.asking import Answer, Ask
from embeddings.engine.remote.failures import BadAnswerError
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Endpoint, Floats

#: What a server that asks for no key is sent, since the SDK insists on one.
NO_KEY = "none"
#: Beyond it, neither metrics nor JSON's readers hold a number.
LARGEST_COUNT = 2**53
#: Models that take a size, their own included.
_TAKES_DIMENSIONS = "text-embedding-3"


class OpenAIBackend(Backend):
    """Options: `organization`, `project`, `encoding_format` ("float" where a server
    does not know base64)."""

    name = "openai"
    title = "OpenAI, or compatible"
    extra = "openai"
    most_tokens = 300_000
    takes_token_ids = True
    too_long = re.compile(
        rb"maximum context length|context length|maximum input length"
        rb"|too many tokens|max_tokens_per_request|tokens, max|must have less than"
        rb"|takes at most \d+",
        re.IGNORECASE,
    )

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        super().__init__(endpoint, transport)
        sdk = importlib.import_module("openai")
        # Its debugging lines hold the texts.
        logging.getLogger("openai").setLevel(logging.INFO)
        self._client = self._open(sdk)
        # None would have been looked for in the environment, empty ones are sent.
        self._client.organization = endpoint.options.get("organization")
        self._client.project = endpoint.options.get("project")

    def embed(self, ask: Ask) -> Answer:
        """One call of the embeddings route, whose vectors come as base64 or numbers."""
        asked: dict[str, Any] = {}
        if ask.dimensions is not None or _TAKES_DIMENSIONS in ask.model:
            asked["dimensions"] = ask.size
        # Named, it is passed on unread: the SDK's own reading makes lists of numbers.
        encoding = self.endpoint.options.get("encoding_format", "base64")
        found = self._client.embeddings.create(
            model=ask.model,
            input=[
                given if isinstance(given, str) else [*given] for given in ask.inputs
            ],
            encoding_format=encoding,
            **asked,
        )
        return Answer(
            vectors=[_values(item.embedding) for item in _in_order(found.data)],
            tokens=figure(getattr(found.usage, "total_tokens", None)),
        )

    def _open(self, sdk: Any) -> Any:
        """The SDK's client; what it is given it does not look for elsewhere."""
        return sdk.OpenAI(
            base_url=self.endpoint.url or "https://api.openai.com/v1",
            organization="",
            project="",
            **self._common(),
        )

    def _common(self) -> dict[str, Any]:
        """What the clients of both vendors are given."""
        return {
            "api_key": self.endpoint.secret or NO_KEY,
            "max_retries": 0,
            "timeout": self.endpoint.timeout_s,
            "http_client": self.transport.client(),
        }


def figure(value: object) -> int | None:
    """A vendor's count, None where it is no count, or one that no call can have."""
    return value if type(value) is int and 0 <= value <= LARGEST_COUNT else None


def _in_order(items: Any) -> list[Any]:
    """The answer's items by their index, which must be 0, 1, 2, …"""
    by_index = {item.index: item for item in items or ()}
    if sorted(by_index) != list(range(len(items or ()))):
        raise BadAnswerError("the vectors' indices are not those of the texts")
    return [by_index[index] for index in range(len(by_index))]


def _values(embedding: object) -> object:
    """One vector's values, out of base64 where they came so."""
    if not isinstance(embedding, str):
        return embedding
    try:
        raw = base64.b64decode(embedding, validate=True)
        values: Floats = np.frombuffer(raw, dtype="<f4")
    except (binascii.Error, ValueError):
        raise BadAnswerError("a vector is not base64 of float32") from None
    return values


BACKEND = OpenAIBackend
