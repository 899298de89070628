"""The model catalog, the task table, and what serving processes tell each other."""

from embeddings.models.catalog import (
    NAME_PATTERN,
    EmbeddingModel,
    EmbeddingModelQuerySet,
    ModelAlias,
    ModelGrant,
    Outputs,
)
from embeddings.models.download import ModelDownload
from embeddings.models.engine import EngineCommand, EngineProcess
from embeddings.models.task import InstructionTask

__all__ = [
    "NAME_PATTERN",
    "EmbeddingModel",
    "EmbeddingModelQuerySet",
    "EngineCommand",
    "EngineProcess",
    "InstructionTask",
    "ModelAlias",
    "ModelDownload",
    "ModelGrant",
    "Outputs",
]
