"""Wire dialects, found by walking this package."""

import importlib
import pkgutil
from functools import cache

from embeddings.dialects.base import Dialect


@cache
def all_dialects() -> tuple[Dialect, ...]:
    """One instance of every dialect in this package, by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    kinds = sorted(Dialect.__subclasses__(), key=lambda kind: kind.name)
    return tuple(kind() for kind in kinds)


def dialect_below(path: str) -> Dialect:
    """The dialect that answers an unknown `path` ("/…"): the longest prefix wins."""
    found = [
        (len(prefix), dialect)
        for dialect in all_dialects()
        for prefix in dialect.prefixes
        if f"{path}/".startswith(f"{prefix}/")
    ]
    return max(found, key=lambda pair: pair[0])[1]
