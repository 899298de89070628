"""Wire dialects, found by walking this package."""

import importlib
import pkgutil
from collections.abc import Container
from functools import cache

from embeddings.dialects.base import Dialect


@cache
def all_dialects() -> tuple[Dialect, ...]:
    """One instance of every dialect in this package, by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    kinds = sorted(Dialect.__subclasses__(), key=lambda kind: kind.name)
    return tuple(kind() for kind in kinds)


def dialect_below(path: str, headers: Container[str] = ()) -> Dialect:
    """The dialect that answers an unknown `path` ("/…"): the longest prefix wins.

    Of two with the same prefix, it is the one that the names of the headers tell.
    """
    found = [
        (len(prefix), is_marked, dialect)
        for dialect in all_dialects()
        for is_marked, prefixes in (
            (False, dialect.prefixes),
            (True, dialect.marked_prefixes),
        )
        for prefix in prefixes
        if f"{path}/".startswith(f"{prefix}/")
        and (not is_marked or any(mark in headers for mark in dialect.marks))
    ]
    return max(found, key=lambda one: one[:2])[2]
