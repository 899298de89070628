"""Google's embeddings, by the Gemini API.

Source: Google's REST reference of the Generative Language API (100 texts in a call).
"""

import importlib
import re
from typing import Any

from embeddings.engine.backends.base import Backend
from embeddings.engine.backends.openai import figure
from embeddings.engine.remote.asking import Answer, Ask, bound_of
from embeddings.engine.remote.failures import TooLongError
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Endpoint, Role, Truncate

_TASK_TYPE = {Role.QUERY: "RETRIEVAL_QUERY", Role.DOCUMENT: "RETRIEVAL_DOCUMENT"}
#: Names that PaLM's API had; its successor serves those who still have them.
_PALM = re.compile(r"(?:text)?-?embedding-gecko(?:-multilingual)?(?:[-@]\d+)?")
_SUCCESSOR = "gemini-embedding-001"


class GoogleBackend(Backend):
    """Roles are its task types. Option: `api_version` ("v1beta" unless given).

    The API cuts the end of what is too long and says nothing: where that is not
    wanted, texts that may be too long are counted first.
    """

    name = "google"
    title = "Google Gemini"
    extra = "google"
    counts_tokens = True
    most_texts = 100
    too_long = re.compile(
        rb"token.{0,40}(?:exceed|limit)|exceeds.{0,40}token|too long", re.I
    )

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        super().__init__(endpoint, transport)
        sdk = importlib.import_module("google.genai")
        self._types = importlib.import_module("google.genai.types")
        self._client = sdk.Client(
            # The environment may want Vertex, or another key.
            vertexai=False,
            api_key=endpoint.secret,
            http_options=self._types.HttpOptions(
                base_url=endpoint.url or "https://generativelanguage.googleapis.com",
                api_version=endpoint.options.get("api_version", "v1beta"),
                timeout=int(endpoint.timeout_s * 1000),
                httpx_client=transport.client(),
            ),
        )

    def embed(self, ask: Ask) -> Answer:
        """One call of batchEmbedContents."""
        if ask.truncate is not Truncate.END:
            self._refuse_long(ask)
        found = self._client.models.embed_content(
            model=model_name(ask.model),
            contents=[self._content(text) for text in ask.texts],
            config=self._types.EmbedContentConfig(
                task_type=_TASK_TYPE.get(ask.role), output_dimensionality=ask.size
            ),
        )
        usage = found.usage_metadata
        return Answer(
            vectors=[one.values or () for one in found.embeddings or ()],
            tokens=figure(getattr(usage, "prompt_token_count", None)),
        )

    def count(self, ask: Ask) -> int | None:
        """The tokens of all texts, by one call of countTokens."""
        found = self._client.models.count_tokens(
            model=model_name(ask.model),
            contents=[self._content(text) for text in ask.texts],
        )
        return figure(found.total_tokens)

    def _refuse_long(self, ask: Ask) -> None:
        """Raise `TooLongError` for a text that would be cut."""
        for text in ask.texts:
            if bound_of(text) > ask.limit_tokens:
                found = self._client.models.count_tokens(
                    model=model_name(ask.model), contents=[self._content(text)]
                )
                if (figure(found.total_tokens) or 0) > ask.limit_tokens:
                    raise TooLongError("a text has too many tokens")

    def _content(self, text: str) -> Any:
        # A content of its own for each: some models take bare strings for one content.
        return self._types.Content(parts=[self._types.Part(text=text)])


def model_name(name: str) -> str:
    """The name as the API has it today."""
    short = name.removeprefix("models/")
    return _SUCCESSOR if _PALM.fullmatch(short) else short


BACKEND = GoogleBackend
