"""Tokenizers, each read once, whoever asks; they outlive the weights in the pool."""

import threading
from collections.abc import Callable

from embeddings.engine.families.base import TextTokenizer
from embeddings.engine.spec import ModelSpec


class TokenizerCache:
    """Tokenizers by folder, family and route; failures are not kept."""

    def __init__(self, open_tokenizer: Callable[[ModelSpec], TextTokenizer]) -> None:
        self._open = open_tokenizer
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str, str], TextTokenizer] = {}

    def get(self, spec: ModelSpec) -> TextTokenizer:
        """The model's tokenizer; raises `ModelUnavailableError` where it has none."""
        key = (str(spec.source), spec.family, spec.route)
        found = self._found.get(key)
        if found is None:
            with self._lock:
                found = self._found.get(key)
                if found is None:
                    found = self._found[key] = self._open(spec)
        return found
