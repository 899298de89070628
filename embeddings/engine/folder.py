"""Whether a model folder may be served, and what it says of itself."""

import logging
from pathlib import Path

from embeddings.engine import layout, manifest
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families import all_families, family_named
from embeddings.engine.families.base import Family
from embeddings.engine.spec import FolderFacts

logger = logging.getLogger(__name__)


def inspect(folder: Path, *, family: str = "", route: str = "") -> FolderFacts:
    """The facts of a folder that has been checked, loaded and tried.

    `family` is for folders whose files do not tell it, `route` for those that hold
    several encoders.

    Raises `ModelUnavailableError` with the reason for a folder that must not be
    served: unsafe or damaged files, a missing tokenizer or weights, vectors that are
    not finite, a kind that no family reads.
    """
    manifest.check_files(folder)
    chosen = family_named(family) if family else _family_of(folder)
    try:
        return chosen.inspect(folder, route=route)
    except ModelUnavailableError:
        raise
    except Exception as error:
        logger.exception("the model folder %s cannot be loaded", folder)
        raise ModelUnavailableError("the model folder cannot be loaded") from error


def _family_of(folder: Path) -> Family:
    entries = layout.modules(folder)
    for entry in entries:
        if not entry.type.startswith("sentence_transformers."):
            raise ModelUnavailableError(f"the module {entry.type} is remote code")
    for family in all_families():
        if family.matches(folder):
            return family
    kinds = ", ".join(entry.kind for entry in entries)
    raise ModelUnavailableError(
        f"folders of {kinds} are not supported"
        if kinds
        else "modules.json is missing: not a Sentence Transformers folder"
    )
