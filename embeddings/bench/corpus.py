"""Texts to measure with: paragraphs of the installed packages' documentation.

They are the same on every machine with the same versions of those packages.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

#: Pinned, and long enough together; they are read, never imported.
PACKAGES = (
    "celery",
    "django",
    "huggingface_hub",
    "rest_framework",
    "sentence_transformers",
)
#: Characters below which a line between two blank ones is a heading, not a paragraph.
SHORTEST = 40
#: Words of a short text: a question, or a search.
SHORT_WORDS = 6
QUANTILES = (0, 10, 50, 90, 99, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How long texts are in tokens, as the model sees them."""

    texts: int
    tokens: int
    quantiles: dict[int, int]

    @property
    def mean(self) -> float:
        """Tokens per text."""
        return self.tokens / self.texts


def paragraphs(count: int, *, packages: tuple[str, ...] = PACKAGES) -> tuple[str, ...]:
    """`count` distinct paragraphs, mixed as chance would mix them, always alike.

    Raises `ValueError` where the packages have fewer.
    """
    found = _found(packages)
    if len(found) < count:
        names = ", ".join(packages)
        raise ValueError(f"{names} have {len(found)} paragraphs, not {count}")
    return found[:count]


def short_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """The first words of each text, as somebody might search for it."""
    return tuple(" ".join(text.split()[:SHORT_WORDS]) for text in texts)


def lengths(tokens: Sequence[int]) -> Lengths:
    """The distribution of tokens per text."""
    found = np.percentile(tokens, QUANTILES, method="nearest")
    quantiles = {
        which: int(value) for which, value in zip(QUANTILES, found, strict=True)
    }
    return Lengths(texts=len(tokens), tokens=sum(tokens), quantiles=quantiles)


@cache
def _found(packages: tuple[str, ...]) -> tuple[str, ...]:
    """All paragraphs in an order that tells nothing of them."""
    found = {text for package in packages for text in _documentation(package)}
    return tuple(sorted(found, key=_shuffled))


def _documentation(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    for root in (spec and spec.submodule_search_locations) or ():
        for path in Path(root).rglob("*.py"):
            yield from _paragraphs_of(path.read_bytes())


def _paragraphs_of(source: bytes) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    # Templates of code lie among the modules, and are none.
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ):
            for part in (ast.get_docstring(node) or "").split("\n\n"):
                text = " ".join(part.split())
                if len(text) >= SHORTEST:
                    yield text


def _shuffled(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
