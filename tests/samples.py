"""Sample values that tests of several modules share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from embeddings import refusals
from embeddings.dialects import all_dialects
from embeddings.dialects.base import Dialect, Operation, Route, WireRequest
from embeddings.engine.anatomy import Anatomy
from embeddings.engine.spec import Output, SparseVector
from embeddings.errors import ErrorCode
from embeddings.types import EmbeddingResult, Failure, LoadedFacts, ModelFacts, Reply

GOLDEN = Path(__file__).parent / "embeddings" / "dialects" / "golden"
REQUEST_ID = "01978f2e-3c4d-7abc-8def-0123456789ab"

#: The headers that a wire needs beside the key.
HEADERS = {"chroma": {"x-chroma-embedding-model": "all-minilm"}}

#: The status that the platform itself gives each code, before a wire has its say.
STATUS = refusals.STATUS | {
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.CLIENT_GONE: 499,
    ErrorCode.INTERNAL: 500,
}


def dialect_named(name: str) -> Dialect:
    """The one dialect of this name."""
    return next(dialect for dialect in all_dialects() if dialect.name == name)


def embed_route(dialect: Dialect) -> Route:
    """The first route of a dialect that embeds."""
    return next(r for r in dialect.routes if r.operation is Operation.EMBED)


def wire_request(
    dialect: Dialect,
    body: object = b"",
    *,
    route: Route | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> WireRequest:
    """A request as the view hands it over; `body` is JSON-able or ready bytes."""
    route = route or embed_route(dialect)
    return WireRequest(
        route=route,
        query=query or {},
        path={"model": "all-minilm"} if "{model}" in route.path else {},
        body=body if isinstance(body, bytes) else orjson.dumps(body),
        headers=HEADERS.get(dialect.name, {}) if headers is None else headers,
    )


def a_result(**changes: object) -> EmbeddingResult:
    """Two vectors of three components, exact in float32."""
    fields: dict[str, object] = {
        "request_id": REQUEST_ID,
        "created_at": 1705329600.25,
        "model": "all-minilm",
        "vectors": np.array([[0.5, -0.25, 0.125], [1, 0, -1]], dtype=np.float32),
        "tokens": (8, 3),
        "truncated": (False, True),
        "load_ns": 7_000_000,
        "total_ns": 19_500_000,
    }
    return EmbeddingResult(**{**fields, **changes})  # type: ignore[arg-type]


def a_sparse_result(**changes: object) -> EmbeddingResult:
    """Two vectors, of two weights and of none."""
    weights = SparseVector(
        indices=np.array([7, 30521]), values=np.array([0.5, 2.25], dtype=np.float32)
    )
    nothing = SparseVector(
        indices=np.array([], dtype=np.int64), values=np.array([], dtype=np.float32)
    )
    empty = np.empty((0, 0), dtype=np.float32)
    return a_result(vectors=empty, sparse=(weights, nothing), **changes)


def a_failure(code: ErrorCode, **changes: object) -> Failure:
    """A failure as the view makes it."""
    fields: dict[str, object] = {
        "status": STATUS[code],
        "code": code,
        "message": "what went wrong",
        "request_id": REQUEST_ID,
        "model": "nope" if code is ErrorCode.MODEL_NOT_FOUND else None,
    }
    return Failure(**{**fields, **changes})  # type: ignore[arg-type]


def some_facts(name: str = "all-MiniLM-L6-v2", **changes: object) -> ModelFacts:
    """A model as the catalog shows it."""
    fields: dict[str, object] = {
        "name": name,
        "created_at": 1_700_000_000,
        "owner": "sentence-transformers",
        "dimensions": 384,
        "max_tokens": 256,
        "outputs": frozenset({Output.DENSE}),
        **changes,
    }
    return ModelFacts(**fields)  # type: ignore[arg-type]


def minilm_facts() -> ModelFacts:
    """all-MiniLM-L6-v2 with everything that can be known of it."""
    return some_facts(
        context_tokens=512,
        family="encoder",
        precision="float32",
        digest="1b226e2802dbb772b5fc32a58f103ca1804ef7501331012de126ab22f67475ef",
        anatomy=Anatomy(
            size_bytes=91_000_000,
            parameters=22_713_216,
            architecture="bert",
            layers=6,
            heads=12,
            feed_forward=1536,
        ),
    )


def loaded_facts(name: str = "all-MiniLM-L6-v2", **changes: object) -> LoadedFacts:
    """A model in memory, as a caller is shown it."""
    fields: dict[str, object] = {
        "model": some_facts(name),
        "bytes": 133_000_000,
        "is_on_gpu": False,
        "expires_at": 1_700_000_300.5,
    }
    return LoadedFacts(**{**fields, **changes})  # type: ignore[arg-type]


def as_json(reply: Reply) -> object:
    """A reply's body as a client reads it."""
    raw = orjson.dumps(reply.body, option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.loads(raw)


def golden(dialect: str, name: str) -> Any:
    """A body as the wire's contract shows it."""
    return orjson.loads((GOLDEN / dialect / f"{name}.json").read_bytes())
