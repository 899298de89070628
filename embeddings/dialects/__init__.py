"""Wire dialects, found by walking this package."""

import importlib
import pkgutil
from collections.abc import Container, Iterator
from functools import cache
from types import ModuleType

from embeddings.dialects.base import Dialect


@cache
def all_dialects() -> tuple[Dialect, ...]:
    """One instance of every dialect in this package, by name."""
    kinds = [
        kind
        for found in pkgutil.iter_modules(__path__)
        for kind in _kinds_in(importlib.import_module(f"{__name__}.{found.name}"))
    ]
    return tuple(kind() for kind in sorted(kinds, key=lambda kind: kind.name))


def _kinds_in(module: ModuleType) -> Iterator[type[Dialect]]:
    """The dialects that a module defines; one may build on another's."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Dialect)
            and value.__module__ == module.__name__
            and value is not Dialect
        ):
            yield value


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
