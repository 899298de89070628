"""Cohere's embeddings, by version 2 of its API.

Source: Cohere's API reference (96 texts in a call).
"""

import importlib
import re
from typing import Any

from embeddings.engine.backends.base import Backend
from embeddings.engine.backends.openai import figure
from embeddings.engine.remote.asking import Answer, Ask
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Endpoint, Role, Truncate

_INPUT_TYPE = {
    Role.QUERY: "search_query",
    Role.DOCUMENT: "search_document",
    # The API asks for one, and this is what its own clients send.
    Role.NONE: "search_document",
}
_TRUNCATE = {
    Truncate.ERROR: "NONE",
    Truncate.END: "END",
    Truncate.START: "START",
}
#: Models that take a size, their own included.
_TAKES_SIZE = re.compile(r"embed-v[4-9]")
#: Tokens are counted one text per call: more texts than this are not worth it.
_MOST_COUNTED = 8
#: Longer texts the count refuses.
_MOST_CHARACTERS = 65_536


class CohereBackend(Backend):
    """Roles are its input types; it cuts as it is told."""

    name = "cohere"
    title = "Cohere"
    extra = "cohere"
    counts_tokens = True
    most_texts = 96
    too_long = re.compile(rb"too many tokens|too long|maximum.{0,40}tokens", re.I)

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        super().__init__(endpoint, transport)
        sdk = importlib.import_module("cohere")
        legacy = importlib.import_module("embeddings.engine.remote.legacy")
        self._client: Any = sdk.ClientV2(
            api_key=endpoint.secret,
            base_url=endpoint.url or "https://api.cohere.com",
            timeout=endpoint.timeout_s,
            max_retries=0,
            httpx_client=legacy.legacy_client(transport),
            log_warning_experimental_features=False,
        )

    def embed(self, ask: Ask) -> Answer:
        """One call of the embed route."""
        asked: dict[str, Any] = {}
        # Models that take a size may stand in the catalog with one below their own.
        if ask.dimensions is not None or _TAKES_SIZE.search(ask.model):
            asked["output_dimension"] = ask.size
        if ask.max_tokens is not None:
            asked["max_tokens"] = ask.max_tokens
        found = self._client.embed(
            model=ask.model,
            texts=ask.texts,
            input_type=_INPUT_TYPE[ask.role],
            truncate=_TRUNCATE[ask.truncate],
            embedding_types=["float"],
            **asked,
        )
        billed = getattr(found.meta, "billed_units", None)
        tokens = getattr(billed, "input_tokens", None)
        if isinstance(tokens, float) and tokens.is_integer():
            tokens = int(tokens)
        return Answer(vectors=found.embeddings.float_ or (), tokens=figure(tokens))

    def count(self, ask: Ask) -> int | None:
        """The tokens of a few texts, by a call for each; None for many or long ones."""
        texts = ask.texts
        if len(texts) > _MOST_COUNTED:
            return None
        if any(len(text) > _MOST_CHARACTERS for text in texts):
            return None
        total = 0
        for text in texts:
            # Offline, it would fetch a tokenizer from wherever it is told to.
            found = self._client.tokenize(text=text, model=ask.model, offline=False)
            total += len(found.tokens)
        return total


BACKEND = CohereBackend
