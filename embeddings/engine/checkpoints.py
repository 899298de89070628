"""Reading a folder's modules with what the file does not tell: that none is missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from embeddings.engine.spec import TokenRow


def load_modules(folder: Path) -> list[nn.Module]:
    """A Sentence Transformers folder's modules on the CPU, in float32."""
    quieten()
    loaded = SentenceTransformer(
        str(folder),
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        # Another dtype would become the whole process's default while it loads.
        model_kwargs={"dtype": torch.float32},
    )
    loaded.eval()
    return list(loaded.children())


def spoil_missing(transformer: nn.Module, folder: Path) -> list[str]:
    """Fill weights that the files do not hold with NaN; tells their names.

    `folder` holds the transformer's own files. Loading fills what is missing with
    random numbers and only warns.
    """
    architecture: Any = type(transformer)
    _, report = architecture.from_pretrained(
        folder,
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
    )
    missing = sorted(report["missing_keys"])
    with torch.no_grad():
        for name in missing:
            transformer.get_parameter(name).fill_(torch.nan)
    return missing


def padded(rows: Sequence[TokenRow], *, pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (rows, longest) int64, padded on the right.

    Right padding is exact for every architecture; left padding is not.
    """
    width = max(len(row.ids) for row in rows)
    ids = np.full((len(rows), width), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for line, row in enumerate(rows):
        ids[line, : len(row.ids)] = row.ids
        mask[line, : len(row.ids)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def quieten() -> None:
    """Keep the library's bars and reports of harmless missing parts off the log."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    # Those that matter are looked for at inspection.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
