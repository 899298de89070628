"""What a backend offers: it speaks a vendor's wire, by the vendor's own SDK."""

import re
from typing import ClassVar

from embeddings.engine.remote.asking import Answer, Ask
from embeddings.engine.remote.failures import StatusError
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Endpoint

_NEVER = re.compile(rb"(?!)")


class UnfitEndpointError(Exception):
    """An endpoint lacks what its backend needs; the message is for the operator."""


class Backend:
    """Texts to vectors by one vendor's models; several threads may embed at once.

    An SDK is imported in the constructor, has its own retries off, and sends through
    `transport` alone, whose failures it may wrap as it likes. `extra` names the SDK's
    extra; `needs_url` that the vendor has no address for all. Calls have `most_texts`
    and, by their bound, `most_tokens` at most. `too_long` is found in the vendor's
    refusal of a text that has too many tokens.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    extra: ClassVar[str] = ""
    needs_url: ClassVar[bool] = False
    most_texts: ClassVar[int] = 2048
    most_tokens: ClassVar[int | None] = None
    takes_token_ids: ClassVar[bool] = False
    takes_empty_texts: ClassVar[bool] = False
    counts_tokens: ClassVar[bool] = False
    too_long: ClassVar[re.Pattern[bytes]] = _NEVER

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self.endpoint = endpoint
        self.transport = transport

    def embed(self, ask: Ask) -> Answer:
        """Vectors of the texts, in order, as the vendor sent them.

        Raises `CallError`, or what the SDK made of one.
        """
        raise NotImplementedError

    def count(self, ask: Ask) -> int | None:  # noqa: ARG002
        """The vendor's own count of the texts' tokens, where `counts_tokens`.

        None: not of these texts.
        """
        return None

    def is_too_long(self, refusal: StatusError) -> bool:
        """Whether a text of the call has more tokens than the model takes."""
        is_about_input = refusal.status in {400, 413, 422}
        return is_about_input and self.too_long.search(refusal.body) is not None
