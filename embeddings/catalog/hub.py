"""A model's files on the Hugging Face hub, or a mirror: which, how large, fetched."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from httpx2 import HTTPError
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm import tqdm

#: What a folder is served from; everything else stays where it is.
WANTED_SUFFIXES = frozenset({".json", ".model", ".safetensors", ".txt"})
WANTED_NAMES = frozenset({"sparse_linear.pt"})
#: Folders with the same weights for other engines.
OTHER_ENGINES = frozenset({"coreml", "gguf", "onnx", "openvino", "tf"})

Report = Callable[[int], None]


class HubError(Exception):
    """The hub has no such model, does not give it, or gave something else; why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file: its path in the repository, bytes, and the hub's own digest of it.

    Large files have a SHA-256, small ones the SHA-1 that git gives them.
    """

    path: str
    size: int
    sha256: str | None
    blob_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFolder:
    """The files of one commit that a model is served from."""

    source: str
    revision: str
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def list_folder(source: str, *, revision: str | None = None) -> HubFolder:
    """What would be fetched; raises `HubError` for what could not be served."""
    try:
        info = HfApi(endpoint=settings.HF_ENDPOINT).model_info(
            source, revision=revision, files_metadata=True
        )
    except (HFValidationError, HTTPError, OSError) as error:
        raise HubError(_reason(error, source)) from error
    siblings = info.siblings or []
    files = tuple(_file(one) for one in siblings if is_wanted(one.rfilename))
    names = {PurePosixPath(file.path).name for file in files}
    if not any(name.endswith(".safetensors") for name in names):
        raise HubError(f"{source} has no weights as safetensors, which alone are read")
    if "tokenizer.json" not in names:
        raise HubError(f"{source} has no tokenizer.json")
    return HubFolder(source=source, revision=str(info.sha), files=files)


def is_wanted(path: str) -> bool:
    """Whether a repository's file is one that a model is served from."""
    place = PurePosixPath(path)
    if place.name in WANTED_NAMES and len(place.parts) == 1:
        return True
    is_hidden = any(part.startswith(".") for part in place.parts)
    is_foreign = place.parts[0].lower() in OTHER_ENGINES
    return place.suffix in WANTED_SUFFIXES and not is_hidden and not is_foreign


def fetch(folder: HubFolder, into: Path, *, report: Report) -> None:
    """Fetch what `into` lacks, going on where a broken attempt ended.

    `report` is told each number of bytes that is there now. Raises `HubError`.
    """
    bar = _bar(report)
    for file in folder.files:
        there = into / file.path
        if there.is_file() and there.stat().st_size == file.size:
            report(file.size)
            continue
        try:
            hf_hub_download(
                folder.source,
                file.path,
                revision=folder.revision,
                local_dir=into,
                endpoint=settings.HF_ENDPOINT,
                tqdm_class=bar,
            )
        except (HTTPError, OSError) as error:
            raise HubError(_reason(error, folder.source)) from error


def check(folder: HubFolder, into: Path) -> None:
    """Raise `HubError` unless every file is what the hub says it is."""
    for file in folder.files:
        path = into / file.path
        if not path.is_file() or path.stat().st_size != file.size:
            raise HubError(f"{file.path} did not come whole")
        if file.sha256 and _digest(path, "sha256") != file.sha256:
            raise HubError(f"{file.path} is not what the hub says it is")
        header = f"blob {file.size}\0".encode()
        if not file.sha256 and _digest(path, "sha1", header) != file.blob_id:
            raise HubError(f"{file.path} is not what the hub says it is")


def _file(sibling: Any) -> HubFile:
    return HubFile(
        path=sibling.rfilename,
        size=int(sibling.size or 0),
        sha256=sibling.lfs.sha256 if sibling.lfs else None,
        blob_id=sibling.blob_id,
    )


def _digest(path: Path, algorithm: str, header: bytes = b"") -> str:
    digest = hashlib.new(algorithm, header, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _bar(report: Report) -> type[tqdm]:
    """A progress bar that draws nothing and reports."""

    class Bar(tqdm):
        """Tells what has come, and what had come before."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})
            report(int(options.get("initial") or 0))

        def update(self, n: float | None = 1) -> bool | None:
            """Report so many bytes more."""
            report(int(n or 0))
            return None

    return Bar


def _reason(error: Exception, source: str) -> str:
    if isinstance(error, GatedRepoError):
        return f"{source} is gated: accept its terms and set HF_TOKEN"
    if isinstance(error, RevisionNotFoundError):
        return f"{source} has no such revision"
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return f"the hub has no model {source}, or HF_TOKEN may not see it"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"the hub answers {status} for {source}"
    return f"the hub does not answer for {source}: {type(error).__name__}"
