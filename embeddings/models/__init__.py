"""The model catalog, its providers and tasks, and what processes tell each other."""

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
from embeddings.models.provider import Provider, ProviderQuerySet
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
    "Provider",
    "ProviderQuerySet",
]
