"""Texts in, vectors out: models, their queue and their life; knows no web framework."""

from embeddings.engine.config import EngineConfig
from embeddings.engine.engine import Engine
from embeddings.engine.folder import inspect
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.spec import (
    Call,
    Dense,
    Endpoint,
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
from embeddings.engine.status import EngineStatus, FailedModel

__all__ = [
    "Call",
    "Dense",
    "Endpoint",
    "Engine",
    "EngineConfig",
    "EngineStatus",
    "FailedModel",
    "FolderFacts",
    "Hooks",
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
