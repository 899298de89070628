"""Model families, one module each; a new module is found without being named here."""

import importlib
import pkgutil
from functools import cache

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Family


@cache
def all_families() -> tuple[Family, ...]:
    """Every family, in order of its module's name; imports what they need (torch)."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(module.FAMILY for module in modules if hasattr(module, "FAMILY"))


def family_named(name: str) -> Family:
    """The family of this name; raises `ModelUnavailableError` where there is none."""
    for family in all_families():
        if family.name == name:
            return family
    raise ModelUnavailableError(f"models of the family {name} are not supported")
