"""Texts in, vectors out: models, their queue and their life; knows no web framework."""

from embeddings.engine.config import EngineConfig
from embeddings.engine.engine import Engine
from embeddings.engine.folder import inspect
from embeddings.engine.spec import (
    Call,
    Dense,
    EngineStatus,
    FailedModel,
    FolderFacts,
    Job,
    LoadedModel,
    ModelSpec,
    Output,
    Prepared,
    Role,
    Sparse,
    SparseVector,
    TokenRow,
    Truncate,
)

__all__ = [
    "Call",
    "Dense",
    "Engine",
    "EngineConfig",
    "EngineStatus",
    "FailedModel",
    "FolderFacts",
    "Job",
    "LoadedModel",
    "ModelSpec",
    "Output",
    "Prepared",
    "Role",
    "Sparse",
    "SparseVector",
    "TokenRow",
    "Truncate",
    "inspect",
]
