"""The platform as its own clients ask it: many texts, few requests, each billed once.

It needs httpx and pydantic, which chromadb brings, and nothing of the server's. It
speaks the platform's Chroma wire: that one has instructions, tasks, roles and sparse
vectors, where the others each lack some.
"""

import json
import os
import random
import time
import uuid
import weakref
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

QUERY, DOCUMENTS = "query", "documents"

#: Statuses that may be others the next time. 409 is the answer to our own repetition
#: while the server still works on the first; 502 and 504 are a proxy's.
_PASSING = frozenset({409, 429, 502, 503, 504})
_LOST = (
    httpx.NetworkError,
    httpx.ProxyError,
    httpx.RemoteProtocolError,
    httpx.TimeoutException,
)
_FIRST_WAIT_S = 0.5
_MOST_DOUBLINGS = 6
_SHOWN_CHARACTERS = 500


class EmbeddingError(Exception):
    """Why texts were not embedded, in the server's words if it had some.

    `may_pass` tells whether it was worth another try, and `retry_after_s` when, as far
    as the server knew.
    """

    def __init__(
        self,
        message: str,
        *,
        may_pass: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        self.retry_after_s = retry_after_s


class RefusedError(EmbeddingError):
    """The server's own refusal; `request_id` is what its log has it under."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        request_id: str | None,
        may_pass: bool,
        retry_after_s: float | None,
    ) -> None:
        super().__init__(message, may_pass=may_pass, retry_after_s=retry_after_s)
        self.status = status
        self.request_id = request_id


class NoAnswerError(EmbeddingError):
    """The server could not be reached, or did not answer in time."""


class WrongAnswerError(EmbeddingError):
    """The answer is not one finite vector for each text."""


def _address(url: str) -> str:
    """An HTTP address that may be written down beside the vectors."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError("it must begin with http:// or https:// and name a host")
    if parts.userinfo or parts.query or parts.fragment:
        raise ValueError("it is stored: no password, no query, no fragment")
    return url.rstrip("/")


class Settings(BaseModel):
    """Where and how texts are embedded; never the API key itself, only where it is.

    A text is a query or a document. Its prompt is the instruction that is set here for
    its kind ("" is no prompt at all), else what the server's `task` has for it, else
    the model's own. A request has `max_texts` texts at most, and `max_bytes` bytes of
    texts unless a single one has more. It is tried `max_tries` times within
    `deadline_s` in all, each time waiting `timeout_s` for the server at most.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )

    url: Annotated[str, AfterValidator(_address)]
    model: str = Field(pattern=r"^[!-~]([ -~]*[!-~])?$")
    api_key_env_var: str = Field("EMBEDDING_PLATFORM_API_KEY", min_length=1)
    task: str | None = None
    query_instruction: str | None = None
    document_instruction: str | None = None
    max_texts: int = Field(256, gt=0)
    max_bytes: int = Field(4 * 2**20, gt=0)
    max_tries: int = Field(5, gt=0)
    timeout_s: float = Field(75.0, gt=0, allow_inf_nan=False)
    deadline_s: float = Field(180.0, gt=0, allow_inf_nan=False)

    #: Another value makes vectors that do not compare with those stored before.
    lasting: ClassVar[tuple[str, ...]] = ("model", "task", "document_instruction")

    def body(self, target: str) -> dict[str, object]:
        """The wire's fields beside the texts; `target` is QUERY or DOCUMENTS."""
        is_query = target == QUERY
        own = self.query_instruction if is_query else self.document_instruction
        return {"instructions": own, "task": self.task or "", "target": target}


class Server:
    """One route of the platform; may be shared by threads."""

    def __init__(self, settings: Settings, path: str) -> None:
        self.settings = settings
        self.path = path

    @cached_property
    def http(self) -> httpx.Client:
        """Kept connections, made when they are first needed."""
        client = httpx.Client(headers={"user-agent": "embedding-platform"})
        weakref.finalize(self, client.close)
        return client

    def __reduce__(self) -> tuple[object, ...]:
        """Copies, and those in other processes, have connections of their own."""
        return type(self), (self.settings, self.path)

    def embed(self, texts: Sequence[str], target: str) -> Iterator[list[Any]]:
        """The vectors of each request, as many as it has texts, in their order.

        Raises `EmbeddingError`, and ValueError for what is no list of texts.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise ValueError("what is embedded must be a list of texts")
        fields = self.settings.body(target)
        for part in _parts(texts, self.settings):
            answer = self._ask({"texts": part, **fields})
            vectors = answer.get("embeddings") if isinstance(answer, dict) else None
            if not isinstance(vectors, list):
                raise WrongAnswerError("the answer has no list of embeddings")
            if len(vectors) != len(part):
                raise WrongAnswerError(f"{len(vectors)} vectors for {len(part)} texts")
            yield vectors

    def _ask(self, body: Mapping[str, object]) -> object:
        """The answer's JSON, after as many tries as it takes and may take."""
        request = self._request(body)
        end = time.monotonic() + self.settings.deadline_s
        tried = 0
        while True:
            tried += 1
            try:
                return self._try(request, left_s=end - time.monotonic())
            except EmbeddingError as error:
                wait_s = error.retry_after_s
                if wait_s is None:
                    wait_s = _patience_s(tried)
                is_late = time.monotonic() + wait_s >= end
                if not error.may_pass or is_late or tried >= self.settings.max_tries:
                    raise
            time.sleep(wait_s)

    def _try(self, request: httpx.Request, *, left_s: float) -> object:
        timeout = httpx.Timeout(max(0.001, min(self.settings.timeout_s, left_s)))
        request.extensions["timeout"] = timeout.as_dict()
        try:
            answer = self.http.send(request)
        except httpx.HTTPError as error:
            text = f"{request.url}: {error or type(error).__name__}"
            raise NoAnswerError(text, may_pass=isinstance(error, _LOST)) from error
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer)
        try:
            return answer.json()
        except ValueError as error:
            raise WrongAnswerError(f"the answer is not JSON: {error}") from error

    def _request(self, body: Mapping[str, object]) -> httpx.Request:
        """A request that is billed once, however often it is sent."""
        name = self.settings.api_key_env_var
        key = os.environ.get(name, "").strip()
        if not (key and key.isascii() and key.isprintable()):
            raise ValueError(f"the environment variable {name} holds no API key")
        headers = {
            "x-chroma-token": key,
            "x-chroma-embedding-model": self.settings.model,
            "content-type": "application/json",
            "idempotency-key": uuid.uuid4().hex,
        }
        url = self.settings.url + self.path
        return self.http.build_request(
            "POST", url, content=_encoded(body), headers=headers
        )


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _parts(texts: Sequence[str], settings: Settings) -> Iterator[list[str]]:
    """The texts of each request."""
    part: list[str] = []
    size = 0
    for text in texts:
        bytes_more = len(_encoded(text)) + len(", ")
        is_full = len(part) == settings.max_texts
        if part and (is_full or size + bytes_more > settings.max_bytes):
            yield part
            part, size = [], 0
        part.append(text)
        size += bytes_more
    if part:
        yield part


def _refusal(answer: httpx.Response) -> RefusedError:
    """What the server said, and whether it may say something else later.

    A quota that no waiting refills is told by a 429 without Retry-After.
    """
    status, headers = answer.status_code, answer.headers
    wait_s = _seconds(headers.get("retry-after", ""))
    in_vain = status == httpx.codes.TOO_MANY_REQUESTS and wait_s is None
    return RefusedError(
        f"HTTP {status}: {_message(answer)}",
        status=status,
        request_id=headers.get("x-request-id"),
        may_pass=status in _PASSING and not in_vain,
        retry_after_s=wait_s,
    )


def _message(answer: httpx.Response) -> str:
    """The wire's error, or as much as there is of what a proxy wrote instead."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    said = body.get("error") if isinstance(body, dict) else None
    text = said if isinstance(said, str) else answer.text.strip()
    return text[:_SHOWN_CHARACTERS] or answer.reason_phrase


def _seconds(retry_after: str) -> float | None:
    """Retry-After in seconds from now, which may be a date; None without one."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    left = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return max(0.0, left.total_seconds())


def _patience_s(tried: int) -> float:
    """How long to wait where the server does not say, spread so that callers differ."""
    doublings = min(tried - 1, _MOST_DOUBLINGS)
    return _FIRST_WAIT_S * 2.0**doublings * random.uniform(0.5, 1)  # noqa: S311 - nothing secret
