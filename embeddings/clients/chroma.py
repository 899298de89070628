"""chromadb's embedding functions for this platform: dense and sparse.

Importing this module registers both, so that a collection finds its own again.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from chromadb.api.types import (
    Documents,
    EmbeddingFunction,
    Embeddings,
    Space,
    SparseEmbeddingFunction,
    SparseVector,
    SparseVectors,
)
from chromadb.utils.embedding_functions import (
    register_embedding_function,
    register_sparse_embedding_function,
)
from numpy.typing import NDArray
from pydantic import Field

from embeddings.clients.server import (
    DOCUMENTS,
    QUERY,
    Server,
    Settings,
    WrongAnswerError,
)


class DenseSettings(Settings):
    """Settings, and of a model that offers several, the length of the vectors."""

    dimensions: int | None = Field(None, gt=0)

    lasting: ClassVar[tuple[str, ...]] = (*Settings.lasting, "dimensions")

    def body(self, target: str) -> dict[str, object]:
        """The wire's fields, and the platform's own for the dimensions."""
        return {**super().body(target), "dimensions": self.dimensions}


class SparseSettings(Settings):
    """Settings, and whether vectors carry the word that each index stands for."""

    labels: bool = False

    def body(self, target: str) -> dict[str, object]:
        """The wire's fields, and whether labels are wanted."""
        return {**super().body(target), "fetch_labels": self.labels}


@register_embedding_function
class PlatformEmbeddingFunction(EmbeddingFunction[Documents]):
    """Dense vectors; takes the fields of `DenseSettings` by name.

    The key is read from the environment when texts are embedded. Raises
    `EmbeddingError`, and ValueError for what is no setting or no text.
    """

    def __init__(self, *, url: str, model: str, **more: Any) -> None:
        self.settings = DenseSettings(url=url, model=model, **more)
        self._server = Server(self.settings, "/embed")

    def __call__(self, input: Documents) -> Embeddings:  # noqa: A002 - chromadb's name
        """One float32 vector (dimensions,) for each document."""
        return self._embed(input, DOCUMENTS)

    def embed_query(self, input: Documents) -> Embeddings:  # noqa: A002
        """One float32 vector (dimensions,) for each query."""
        return self._embed(input, QUERY)

    def _embed(self, texts: Documents, target: str) -> Embeddings:
        answers = self._server.embed(texts, target)
        parts = [_dense(vectors) for vectors in answers]
        widths = {part.shape[1] for part in parts}
        wanted = self.settings.dimensions
        if len(widths) > 1 or (wanted is not None and widths - {wanted}):
            found = " and ".join(map(str, sorted(widths)))
            raise WrongAnswerError(f"the vectors have {found} dimensions")
        return [vector for part in parts for vector in part]

    @staticmethod
    def name() -> str:
        """What chromadb's registry and collections call it."""
        return "embedding-platform"

    def default_space(self) -> Space:
        """The angle, which most models are trained for."""
        return "cosine"

    def supported_spaces(self) -> list[Space]:
        """All that chromadb has."""
        return ["cosine", "l2", "ip"]

    def get_config(self) -> dict[str, Any]:
        """What a collection keeps."""
        return self.settings.model_dump()

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "PlatformEmbeddingFunction":
        """The function that a collection was made with; raises ValueError."""
        return PlatformEmbeddingFunction(**config)

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Raise ValueError for what is no configuration."""
        DenseSettings(**config)

    def validate_config_update(
        self, old_config: dict[str, Any], new_config: dict[str, Any]
    ) -> None:
        """Raise ValueError for what would mix vectors that do not compare."""
        _refuse_mixture(DenseSettings(**old_config), DenseSettings(**new_config))


@register_sparse_embedding_function
class PlatformSparseEmbeddingFunction(SparseEmbeddingFunction[Documents]):
    """Sparse vectors; takes the fields of `SparseSettings` by name.

    It is for a sparse index in a collection's schema, and else as the dense one.
    """

    def __init__(self, *, url: str, model: str, **more: Any) -> None:
        self.settings = SparseSettings(url=url, model=model, **more)
        self._server = Server(self.settings, "/embed_sparse")

    def __call__(self, input: Documents) -> SparseVectors:  # noqa: A002
        """One vector for each document, its indices ascending."""
        return self._embed(input, DOCUMENTS)

    def embed_query(self, input: Documents) -> SparseVectors:  # noqa: A002
        """One vector for each query, its indices ascending."""
        return self._embed(input, QUERY)

    def _embed(self, texts: Documents, target: str) -> SparseVectors:
        answers = self._server.embed(texts, target)
        return [_sparse(vector) for vectors in answers for vector in vectors]

    @staticmethod
    def name() -> str:
        """What chromadb's registry and collections call it."""
        return "embedding-platform-sparse"

    def get_config(self) -> dict[str, Any]:
        """What a collection keeps."""
        return self.settings.model_dump()

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> "PlatformSparseEmbeddingFunction":
        """The function that a collection was made with; raises ValueError."""
        return PlatformSparseEmbeddingFunction(**config)

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Raise ValueError for what is no configuration."""
        SparseSettings(**config)

    def validate_config_update(
        self, old_config: dict[str, Any], new_config: dict[str, Any]
    ) -> None:
        """Raise ValueError for what would mix vectors that do not compare."""
        _refuse_mixture(SparseSettings(**old_config), SparseSettings(**new_config))


def _refuse_mixture(old: Settings, new: Settings) -> None:
    for name in old.lasting:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            raise ValueError(
                f"{name!r} cannot become {after!r}: the collection's vectors were made"
                f" with {before!r}"
            )


def _dense(vectors: Sequence[Any]) -> NDArray[np.float32]:
    """Vectors as an array (texts, dimensions); raises WrongAnswerError."""
    try:
        numbers = np.asarray(vectors)
    except ValueError as error:
        raise WrongAnswerError(f"the vectors are no matrix: {error}") from error
    is_matrix = numbers.ndim == 2 and numbers.size  # noqa: PLR2004 - texts, dimensions
    if numbers.dtype.kind not in "fi" or not is_matrix:
        raise WrongAnswerError(
            f"the vectors are of {numbers.dtype}, in the shape {numbers.shape}"
        )
    # What is too large for float32 becomes infinite, and is found below.
    with np.errstate(over="ignore"):
        rows = numbers.astype(np.float32)
    if not np.isfinite(rows).all():
        (wrong, *_) = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        raise WrongAnswerError(f"vector {wrong} of a request has numbers not finite")
    return rows


def _sparse(vector: Any) -> SparseVector:
    """One vector, checked by chromadb's own class; raises WrongAnswerError."""
    try:
        indices, values = vector["indices"], vector["values"]
        made = SparseVector(indices, values, vector.get("labels"))
        is_finite = np.isfinite(np.asarray(values, dtype=np.float32)).all()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WrongAnswerError(f"a vector is not a sparse one: {error!r}") from error
    if not is_finite:
        raise WrongAnswerError("a sparse vector has numbers that are not finite")
    return made
