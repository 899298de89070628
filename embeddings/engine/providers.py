"""Other people's models: bounds before a call, vectors and the vendor's count after."""

import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import numpy as np

from embeddings.engine.backends import backend_named
from embeddings.engine.backends.base import Backend, UnfitEndpointError
from embeddings.engine.errors import InvalidInputError, ModelUnavailableError
from embeddings.engine.prompts import choose_prompt
from embeddings.engine.remote.asking import Ask, bound_of, checked, pieces_of
from embeddings.engine.remote.failures import CallError, failure_in
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.remote.line import Line, Rules, Work
from embeddings.engine.remote.standing import Standing
from embeddings.engine.remote.translation import engine_error
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import (
    Call,
    Dense,
    Endpoint,
    Floats,
    Job,
    Prepared,
)
from embeddings.engine.vectors import finish

logger = logging.getLogger(__name__)

#: When those may ask again whose provider is not set up as it must be.
ASK_AGAIN_S = 60.0
#: When it is looked at again whether an endpoint that cannot be asked still cannot.
OPEN_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one call gave: vectors (texts, dimensions), and tokens, counted or not."""

    vectors: Floats
    tokens: int
    is_estimated: bool


class Providers:
    """One client per endpoint as it is now, one line per provider.

    An endpoint that changed gets a new client; the old one ends with its last call.
    """

    def __init__(self, hooks: Hooks) -> None:
        self._standing = Standing(hooks)
        self._lock = threading.Lock()
        self._backends: dict[int, tuple[Endpoint, Backend]] = {}
        self._unfit: dict[int, tuple[Endpoint, str, float]] = {}
        self._opening: dict[int, threading.Lock] = {}
        self._lines: dict[int, Line] = {}
        self._is_closed = False

    def prepare(self, job: Job, endpoint: Endpoint) -> Prepared:
        """Bounds instead of counts: the vendor's tokenizer is not here.

        Raises `InvalidInputError`, `ModelUnavailableError`.
        """
        kind = backend_named(endpoint.backend)
        for index, given in enumerate(job.inputs):
            if not given and not kind.takes_empty_texts:
                raise InvalidInputError(f"input {index} is empty")
            if isinstance(given, tuple) and not kind.takes_token_ids:
                raise InvalidInputError(
                    f"{job.spec.name} takes texts, and no token ids"
                )
            if isinstance(given, tuple) and min(given) < 0:
                raise InvalidInputError(f"input {index} has a negative token id")
        return Prepared(job, (), bounds=tuple(map(bound_of, _sent(job))))

    def embed(self, prepared: Prepared, call: Call, endpoint: Endpoint) -> Dense:
        """Vectors in the order of the texts, and what the vendor counted.

        Raises `ModelUnavailableError`, `ProviderError`, `ProviderBusyError`,
        `ProviderTooLongError`, `DeadlineError`, `CancelledError`.
        """
        started_ns = time.perf_counter_ns()
        backend = self._backend(endpoint)
        works = [
            self._work(backend, ask, self._embed)
            for ask in pieces_of(
                _ask(prepared.job),
                most_texts=_most_texts(backend),
                most_tokens=backend.most_tokens,
            )
        ]
        job = prepared.job
        parts = cast("list[Part]", self._run(works, call, job, backend))
        return Dense(
            # Whole or cut, their length is the vendor's business unless somebody asks.
            vectors=finish(
                np.concatenate([part.vectors for part in parts]),
                dimensions=job.dimensions or job.spec.dimensions,
                normalize=bool(job.normalize),
            ),
            load_ns=0,
            run_ns=time.perf_counter_ns() - started_ns,
            tokens=sum(part.tokens for part in parts),
            is_estimated=any(part.is_estimated for part in parts),
        )

    def count(self, job: Job, call: Call, endpoint: Endpoint) -> int | None:
        """The vendor's own count of all texts; None where it has none."""
        backend = self._backend(endpoint)
        if not backend.counts_tokens:
            return None
        work = self._work(backend, _ask(job), lambda one, ask: one.count(ask))
        (count,) = self._run([work], call, job, backend)
        return cast("int | None", count)

    def close(self, *, drain_s: float) -> None:
        """Refuse new calls, let those that wait and run end, fail the rest."""
        ends_at = time.monotonic() + drain_s
        with self._lock:
            self._is_closed = True
            lines = list(self._lines.values())
            self._backends.clear()
        for line in lines:
            line.close(drain_s=max(0.0, ends_at - time.monotonic()))

    def _run(
        self, works: Sequence[Work], call: Call, job: Job, backend: Backend
    ) -> list[object]:
        endpoint = backend.endpoint
        rules = Rules(
            concurrency=max(1, endpoint.concurrency),
            attempts=max(1, endpoint.attempts),
            timeout_s=endpoint.timeout_s,
        )
        try:
            return self._line(endpoint).run(works, call, rules=rules)
        except CallError as failure:
            logger.warning("%s: %s of %s", endpoint.provider, failure, job.spec.name)
            # The vendor's words stay behind.
            raise engine_error(failure, job=job, backend=backend) from None

    def _line(self, endpoint: Endpoint) -> Line:
        with self._lock:
            line = self._lines.get(endpoint.provider_id)
            if line is None:
                line = Line(f"provider-{endpoint.provider_id}")
                self._lines[endpoint.provider_id] = line
                if self._is_closed:
                    line.close(drain_s=0)
            return line

    def _backend(self, endpoint: Endpoint) -> Backend:
        """The endpoint's client; raises `ModelUnavailableError` where none can be."""
        backend = self._known(endpoint)
        if backend is not None:
            return backend
        with self._lock:
            opening = self._opening.setdefault(endpoint.provider_id, threading.Lock())
        # Importing an SDK takes seconds, which are no other provider's business.
        with opening:
            backend = self._known(endpoint)
            reason = self._reason(endpoint)
            if backend is None and not reason:
                backend, reason = self._open(endpoint)
        if backend is not None:
            return backend
        self._standing.unfit(endpoint, reason)
        raise ModelUnavailableError(reason, retry_after_s=ASK_AGAIN_S)

    def _known(self, endpoint: Endpoint) -> Backend | None:
        with self._lock:
            known = self._backends.get(endpoint.provider_id)
        return known[1] if known is not None and known[0] == endpoint else None

    def _reason(self, endpoint: Endpoint) -> str:
        """Why it could not be asked a moment ago; to look costs more than a call."""
        with self._lock:
            known = self._unfit.get(endpoint.provider_id)
        if known is None or known[0] != endpoint or known[2] <= time.monotonic():
            return ""
        return known[1]

    def _open(self, endpoint: Endpoint) -> tuple[Backend | None, str]:
        """A new client, kept for the calls to come, or why there can be none."""
        kind = backend_named(endpoint.backend)
        transport = Transport(endpoint)
        try:
            backend = kind(endpoint, transport)
        except ImportError:
            extra = f"embedding-platform[{kind.extra}]" if kind.extra else "its SDK"
            reason = f"the SDK is not installed: pip install {extra}"
        except UnfitEndpointError as error:
            reason = str(error)
        # Whatever an SDK says of its arguments, which may be a secret's.
        except Exception as error:  # noqa: BLE001
            reason = f"its client cannot be made: {type(error).__name__}"
        else:
            # A client in use must not be closed under its user.
            weakref.finalize(backend, transport.close)
            with self._lock:
                self._backends[endpoint.provider_id] = (endpoint, backend)
            return backend, ""
        transport.close()
        again_at = time.monotonic() + OPEN_AGAIN_S
        with self._lock:
            self._unfit[endpoint.provider_id] = (endpoint, reason, again_at)
        return None, reason

    def _work(
        self, backend: Backend, ask: Ask, do: Callable[[Backend, Ask], object]
    ) -> Work:
        """One call of the line, whatever is asked: bounded, timed, told of."""

        def run(ends_at: float) -> object:
            started = time.monotonic()
            try:
                with backend.transport.bounded(
                    ends_at=ends_at, most_bytes=ask.most_bytes
                ):
                    result = do(backend, ask)
            except Exception as error:  # noqa: BLE001 - SDKs wrap as they like
                failure = failure_in(error)
                seconds = time.monotonic() - started
                self._standing.failed(backend.endpoint, failure, seconds=seconds)
                raise failure from None
            seconds = time.monotonic() - started
            self._standing.answered(backend.endpoint, seconds=seconds)
            return result

        retried = lambda: self._standing.retried(backend.endpoint)  # noqa: E731
        return Work(cost=ask.bound, run=run, retried=retried)

    @staticmethod
    def _embed(backend: Backend, ask: Ask) -> Part:
        """One call's vectors, checked; a figure that is missing is asked for."""
        answer = backend.embed(ask)
        vectors, tokens = checked(answer, ask), answer.tokens
        if tokens is None and backend.counts_tokens:
            # What has its vectors is not worth failing for a count.
            with suppress(Exception):
                tokens = backend.count(ask)
        is_estimated = tokens is None
        return Part(
            vectors=vectors,
            tokens=ask.bound if tokens is None else tokens,
            is_estimated=is_estimated,
        )


def _sent(job: Job) -> tuple[str | tuple[int, ...], ...]:
    """The inputs as the vendor gets them, with the catalog's prompts around texts."""
    prompt = choose_prompt(job)
    return tuple(
        f"{prompt.before}{given}{prompt.after}" if isinstance(given, str) else given
        for given in job.inputs
    )


def _ask(job: Job) -> Ask:
    spec = job.spec
    is_own_size = job.dimensions in {None, spec.dimensions}
    return Ask(
        model=spec.remote_name or spec.name,
        inputs=_sent(job),
        role=job.role,
        dimensions=None if is_own_size else job.dimensions,
        width=spec.dimensions,
        truncate=job.truncate,
        limit_tokens=spec.max_tokens,
        max_tokens=job.max_tokens,
    )


def _most_texts(backend: Backend) -> int:
    """The vendor's limit, or the operator's where a server takes fewer."""
    option = backend.endpoint.options.get("batch_texts", "")
    own = int(option) if option.isdecimal() and int(option) else backend.most_texts
    return min(own, backend.most_texts)
