"""The one pipeline: resolve, tokenize and count, embed, meter."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection

from accounts.authentication import Caller, Limits
from accounts.metering import Claim
from accounts.pricing import list_price
from embeddings import errors, metrics
from embeddings.catalog.instructions import instruction_for
from embeddings.catalog.lookup import CatalogEntry, resolve
from embeddings.engine import errors as engine_errors
from embeddings.engine.spec import (
    Call,
    Dense,
    Floats,
    Job,
    Output,
    Prepared,
    Sparse,
    Truncate,
)
from embeddings.metered import Metered
from embeddings.process import get_engine, trouble
from embeddings.translation import translated
from embeddings.types import EmbeddingRequest, EmbeddingResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, since when, and whether it is still there.

    `event_id` is what its usage event is found by, and its answer's request id;
    `claim` is the caller's own name for it.
    """

    event_id: UUID
    caller: Caller
    wire: str
    started_ns: int
    is_gone: Callable[[], bool] | None = None
    claim: Claim | None = None


def embed(request: EmbeddingRequest, origin: Origin) -> EmbeddingResult:
    """Embed and meter; when this returns, the usage event is durable."""
    check_count(request, origin.caller)
    entry = resolve(origin.caller, request.model)
    job = _job(request, entry)
    occurred_at = datetime.now(UTC)
    price = list_price(entry.name, at=occurred_at)
    with translated(request):
        prepared = get_engine().prepare(job)
    truncated = sum(prepared.truncated)
    metered = Metered(
        event_id=origin.event_id,
        caller=origin.caller,
        occurred_at=occurred_at,
        started_ns=origin.started_ns,
        model=entry.name,
        wire=origin.wire,
        texts=len(request.inputs),
        tokens=prepared.most_tokens,
        truncated=truncated,
        price=price,
        claim=origin.claim,
    )
    release_connection()
    with metered.admitted(), translated(request):
        made = _run(prepared, request, origin)
        if isinstance(made, Dense) and made.tokens is not None:
            metered.use(made.tokens, is_estimated=made.is_estimated)
        total_ns = time.monotonic_ns() - origin.started_ns
    metrics.served(
        wire=origin.wire,
        model=entry.name,
        texts=len(request.inputs),
        tokens=metered.billed_tokens,
        truncated=truncated,
    )
    return EmbeddingResult(
        request_id=str(origin.event_id),
        created_at=occurred_at.timestamp(),
        model=request.model or entry.name,
        vectors=made.vectors if isinstance(made, Dense) else _no_vectors(prepared),
        sparse=made.vectors if isinstance(made, Sparse) else (),
        tokens=prepared.tokens,
        billed_tokens=metered.billed_tokens,
        truncated=prepared.truncated,
        load_ns=made.load_ns,
        total_ns=total_ns,
        is_instruction_ignored=bool(job.instruction)
        and not job.spec.instruction_template,
        standings=metered.standings,
        is_replay=metered.is_replay,
    )


def count_tokens(request: EmbeddingRequest, caller: Caller) -> int:
    """How many tokens the texts have, were they embedded uncut; nothing is metered."""
    check_count(request, caller)
    job = _job(request, resolve(caller, request.model))
    release_connection()
    if job.spec.endpoint is not None:
        return _provider_count(request, job, caller)
    with translated(request):
        return sum(_uncut_tokens(replace(job, inputs=(one,))) for one in job.inputs)


def check_health(name: str | None, caller: Caller) -> None:
    """Raise what a request for this model would be refused with now, if anything."""
    resolve(caller, name).runnable()
    if trouble():
        raise errors.UnavailableError("the server cannot embed now", retry_after_s=5)


def _provider_count(request: EmbeddingRequest, job: Job, caller: Caller) -> int:
    """What the provider of somebody else's model counts."""
    call = Call(
        tenant=caller.tenant_slug,
        weight=caller.limits.weight,
        deadline=time.monotonic() + settings.REQUEST_TIMEOUT_S,
    )
    with translated(request):
        count = get_engine().count(job, call)
    if count is None:
        raise errors.UnsupportedError(
            f"the tokens of model {request.model!r} cannot be counted"
        )
    return count


def _uncut_tokens(job: Job) -> int:
    """The tokens of a job of one text; one that is too long is counted all the same."""
    try:
        return sum(get_engine().prepare(replace(job, truncate=Truncate.ERROR)).tokens)
    except engine_errors.InputTooLongError as error:
        if error.unit != "tokens":
            raise
        return error.tokens


def check_count(request: EmbeddingRequest, caller: Caller) -> None:
    """Refuse more texts than one request may hold; raises TooManyTextsError."""
    limit = most_texts(caller.limits)
    if len(request.inputs) > limit:
        raise errors.TooManyTextsError(count=len(request.inputs), limit=limit)


def most_texts(limits: Limits) -> int:
    """How many texts one request may hold."""
    if limits.max_texts is None:
        return settings.MAX_TEXTS
    return min(settings.MAX_TEXTS, limits.max_texts)


def most_keep_alive_s(limits: Limits) -> float | None:
    """The longest keep_alive that a request gets; None: for ever."""
    most = settings.KEEP_ALIVE_MAX_S
    if limits.keep_alive_max_s is not None:
        own = limits.keep_alive_max_s
        most = own if most < 0 else min(most, own)
    return None if most < 0 else most


def _job(request: EmbeddingRequest, entry: CatalogEntry) -> Job:
    """The engine's view of a request, when this model can do what is asked."""
    if request.refusal:
        raise errors.InvalidRequestError(request.refusal)
    output = request.output
    if request.loads_only and output not in entry.facts.outputs:
        output = min(entry.facts.outputs)
    if output not in entry.facts.outputs:
        raise errors.UnsupportedError(
            f"model {request.model or entry.name!r} has no {request.output} embeddings"
        )
    instruction = request.instruction
    if instruction is None:
        instruction = instruction_for(task=request.task, target=request.target)
    return Job(
        spec=entry.runnable(),
        inputs=request.inputs,
        role=request.role,
        instruction=instruction,
        prompt_name=request.prompt_name,
        truncate=request.truncate or entry.over_length or request.wire_truncate,
        dimensions=_dimensions(request, entry),
        normalize=request.normalize,
        max_tokens=request.max_tokens,
        output=output,
        labels=request.labels,
    )


def _dimensions(request: EmbeddingRequest, entry: CatalogEntry) -> int | None:
    """The size to cut to, None for the model's own."""
    wanted = request.dimensions
    if wanted is None:
        return None
    if request.ignores_odd_dimensions:
        wanted = wanted if 0 < wanted < entry.facts.dimensions else None
        # What is made here can be cut; somebody else would refuse, or be paid in vain.
        if wanted is None or not entry.is_remote:
            return wanted
    if not entry.offers(wanted):
        raise errors.DimensionsError(
            f"model {request.model or entry.name!r} has no embeddings of {wanted}"
            " dimensions",
            param="dimensions",
        )
    return wanted


def _run(
    prepared: Prepared, request: EmbeddingRequest, origin: Origin
) -> Dense | Sparse:
    """Load and run."""
    limits = origin.caller.limits
    call = Call(
        tenant=origin.caller.tenant_slug,
        weight=limits.weight,
        deadline=time.monotonic() + settings.REQUEST_TIMEOUT_S,
        keep_alive_s=_keep_alive_s(request.keep_alive_s, limits),
        is_gone=origin.is_gone,
    )
    engine = get_engine()
    if request.loads_only:
        load_ns = engine.load(prepared.job.spec, call)
        return Dense(vectors=_no_vectors(prepared), load_ns=load_ns, run_ns=0)
    if not request.inputs and request.output is Output.SPARSE:
        return Sparse(vectors=(), load_ns=0, run_ns=0)
    if not request.inputs:
        return Dense(vectors=_no_vectors(prepared), load_ns=0, run_ns=0)
    return engine.run(prepared, call)


def _keep_alive_s(wish: float | None, limits: Limits) -> float | None:
    """The caller's wish, as far as a tenant's may go; negative is for ever."""
    most = most_keep_alive_s(limits)
    if wish is None or most is None:
        return wish
    return most if wish < 0 else min(wish, most)


def _no_vectors(prepared: Prepared) -> Floats:
    """No rows of the right width."""
    width = prepared.job.dimensions or prepared.job.spec.dimensions
    return np.empty((0, width), dtype=np.float32)


def release_connection() -> None:
    """Give the database connection back before waiting for the model, or a place."""
    if not connection.in_atomic_block:
        connection.close()
