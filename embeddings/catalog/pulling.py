"""Fetching a model's folder: staged, checked as a whole, then published at once."""

import fcntl
import importlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from embeddings.catalog import hub
from embeddings.catalog.hub import HubError, HubFolder
from embeddings.catalog.lookup import fold
from embeddings.catalog.registration import Registration, register, renew
from embeddings.engine.errors import ModelUnavailableError
from embeddings.models import EmbeddingModel, ModelDownload

#: Below MODELS_DIR; what is in it is nobody's model yet.
STAGING = ".pulls"
#: Told the bytes that are there and those there will be.
Report = Callable[[int, int], None]

#: How often the progress row is written.
NOTE_EVERY_S = 1.0


def pull(
    name: str, *, revision: str | None = None, report: Report | None = None
) -> EmbeddingModel:
    """Fetch a catalog row's model, or a hub id that becomes one; its row.

    `report` is told how far it has come. A broken attempt is gone on with by the
    next. Raises `HubError` or the engine's `ModelUnavailableError`, with the reason,
    and then whatever was served before still is.
    """
    model = find(name)
    source = model.source if model else name
    if model is not None and model.provider is not None:
        raise HubError(f"{name} is {model.provider}'s model and has no files")
    if source.startswith("/"):
        raise HubError(f"{name} lies in a folder of its own and not on the hub")
    with _only(source) as staging:
        note = ModelDownload.objects.create(model=model, source=source)
        try:
            model = _pull(model, source, revision, staging, note, report)
        except (HubError, ModelUnavailableError) as error:
            _finish(note, ModelDownload.State.FAILED, error=str(error))
            raise
        except BaseException:
            _finish(note, ModelDownload.State.FAILED, error="it was broken off")
            raise
    note.model = model
    _finish(note, ModelDownload.State.DONE)
    return model


def find(name: str) -> EmbeddingModel | None:
    """The catalog row of a canonical name or an alias, whatever the case."""
    wanted = fold(name)
    rows = EmbeddingModel.objects.select_related("provider")
    for model in rows.prefetch_related("aliases"):
        names = (model.name, *(alias.name for alias in model.aliases.all()))
        if wanted in map(fold, names):
            return model
    return None


def _pull(
    model: EmbeddingModel | None,
    source: str,
    revision: str | None,
    staging: Path,
    note: ModelDownload,
    report: Report | None,
) -> EmbeddingModel:
    folder = hub.list_folder(source, revision=revision)
    note.revision = folder.revision
    note.files_total, note.bytes_total = len(folder.files), folder.size
    note.bytes_done = 0
    note.save()
    _check_space(folder, staging)
    hub.fetch(folder, staging, report=_Progress(note, report))
    _finish(note, ModelDownload.State.CHECKING)
    try:
        hub.check(folder, staging)
    except HubError:
        # Going on from wrong bytes would never end well.
        shutil.rmtree(staging)
        raise
    shutil.rmtree(staging / ".cache", ignore_errors=True)
    _drop_needless_code(staging)
    return _publish(model, source, staging)


def _publish(
    model: EmbeddingModel | None, source: str, staging: Path
) -> EmbeddingModel:
    """Check the folder, then let it be the source's; the row is saved last."""
    place: Path = settings.MODELS_DIR / source
    if model is None:
        made = register(Registration(name=source, folder=staging), source=source)
        _move(staging, place)
        made.save()
        return made
    renewed = renew(model, staging)
    _move(staging, place)
    renewed.save()
    return renewed


def _move(staging: Path, place: Path) -> None:
    """Put a folder into its place; what was there goes once it is out of the way."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        old = staging.with_name(staging.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
        staging.rename(place)
        shutil.rmtree(old)
    else:
        staging.rename(place)


def _check_space(folder: HubFolder, staging: Path) -> None:
    there = sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())
    free = shutil.disk_usage(staging).free
    if folder.size - there > free:
        raise HubError(
            f"{folder.source} has {folder.size >> 20} MiB, "
            f"and {free >> 20} MiB are free below {settings.MODELS_DIR}"
        )


def _drop_needless_code(staging: Path) -> None:
    """Take `auto_map` out of the files of models that the library knows by itself.

    It names code for versions of the library that did not; nothing here reads it.
    """
    path = staging / "config.json"
    if not path.is_file():
        return
    try:
        facts = json.loads(path.read_text("utf-8"))
    except ValueError:
        return
    # Not with this module: every command would import torch.
    known = importlib.import_module("transformers").CONFIG_MAPPING
    is_known = isinstance(facts, dict) and facts.get("model_type") in known
    if is_known and facts.pop("auto_map", None) is not None:
        path.write_text(json.dumps(facts, indent=2), "utf-8")


class _Progress:
    """Counts bytes into the progress row, once a second, and hands them on."""

    def __init__(self, note: ModelDownload, report: Report | None) -> None:
        self._note = note
        self._report = report
        self._noted_at = 0.0

    def __call__(self, count: int) -> None:
        self._note.bytes_done = min(
            self._note.bytes_done + count, self._note.bytes_total
        )
        if self._report is not None:
            self._report(self._note.bytes_done, self._note.bytes_total)
        now = time.monotonic()
        if now - self._noted_at > NOTE_EVERY_S:
            self._noted_at = now
            self._note.save(update_fields=["bytes_done", "updated_at"])


def _finish(note: ModelDownload, state: str, *, error: str = "") -> None:
    note.state, note.error = state, error
    if state != ModelDownload.State.FAILED:
        note.bytes_done = note.bytes_total
    note.save()


@contextmanager
def _only(source: str) -> Iterator[Path]:
    """The source's staging folder, for one process at a time."""
    staging: Path = settings.MODELS_DIR / STAGING / source.replace("/", "--")
    staging.mkdir(parents=True, exist_ok=True)
    with staging.with_name(staging.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HubError(f"{source} is being pulled already") from error
        yield staging
