"""What speaks to other people's models: one module per vendor, found by walking.

A package of somebody else's adds one by an entry point of the group `GROUP`, whose name
is the backend's and which leads to a subclass of `Backend`.
"""

import importlib
import importlib.metadata
import logging
import pkgutil
from functools import cache

from embeddings.engine.backends.base import Backend
from embeddings.engine.errors import ModelUnavailableError

logger = logging.getLogger(__name__)

GROUP = "embedding_platform.backends"


@cache
def own_backends() -> tuple[type[Backend], ...]:
    """Every backend in this package, by name; imports no vendor's SDK."""
    modules = sorted(info.name for info in pkgutil.iter_modules(__path__))
    found = (importlib.import_module(f"{__name__}.{name}") for name in modules)
    kinds = (module.BACKEND for module in found if hasattr(module, "BACKEND"))
    return tuple(sorted(kinds, key=lambda kind: kind.name))


def backend_titles() -> dict[str, str]:
    """Titles by name of all backends there are; those of others show their name."""
    others = {entry.name: entry.name for entry in _entry_points()}
    return others | {kind.name: kind.title for kind in own_backends()}


def needs_url(name: str) -> bool:
    """Whether a backend of this package has no address that is everybody's."""
    return any(kind.needs_url for kind in own_backends() if kind.name == name)


def backend_named(name: str) -> type[Backend]:
    """The backend of this name; raises `ModelUnavailableError` where there is none."""
    for kind in own_backends():
        if kind.name == name:
            return kind
    for entry in _entry_points():
        if entry.name == name:
            return _load(entry)
    raise ModelUnavailableError(f"there is no backend {name}")


def _entry_points() -> tuple[importlib.metadata.EntryPoint, ...]:
    return tuple(importlib.metadata.entry_points(group=GROUP))


@cache
def _load(entry: importlib.metadata.EntryPoint) -> type[Backend]:
    try:
        found = entry.load()
    except Exception as error:
        logger.exception("the backend %s cannot be imported", entry.name)
        message = f"the backend {entry.name} cannot be imported"
        raise ModelUnavailableError(message) from error
    if not (isinstance(found, type) and issubclass(found, Backend)):
        logger.error("%s is no subclass of Backend", entry.value)
        raise ModelUnavailableError(f"the backend {entry.name} is none")
    return found
