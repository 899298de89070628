"""How far the fetching of models has come; read-only."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.columns import BAD, GOOD, NOTE, STALE, badge, moment
from embeddings.catalog.locate import locate
from embeddings.models import EmbeddingModel, ModelDownload

#: Checking a large model takes a while; a process that lives is heard of sooner.
SILENT_AFTER = timedelta(minutes=15)
KINDS = {ModelDownload.State.DONE: GOOD, ModelDownload.State.FAILED: BAD}


def progress(download: ModelDownload) -> str:
    """State and share of a download, as a badge."""
    state = ModelDownload.State(download.state)
    text = state.label
    if state is ModelDownload.State.RUNNING and download.bytes_total:
        text = f"Downloading {100 * download.bytes_done // download.bytes_total} %"
    return badge(text, KINDS.get(state, NOTE))


def weights(model: EmbeddingModel) -> str:
    """Whether a model's files are on this machine, or on their way, as a badge."""
    if locate(model.source) is not None:
        return badge("Ready", GOOD)
    last = next(iter(model.downloads.all()), None)
    if last is None or last.state == ModelDownload.State.DONE:
        return badge("Not downloaded", STALE)
    if last.state != ModelDownload.State.FAILED and timezone.now() > (
        last.updated_at + SILENT_AFTER
    ):
        return badge("Download broken off", BAD)
    return progress(last)


@admin.register(ModelDownload)
class ModelDownloadAdmin(ReadOnlyAdmin):
    """Attempts to fetch models, newest first."""

    list_display = ("source", "standing", "size", "error", "started", "updated")
    list_filter = (("state", ChoicesDropdownFilter),)
    search_fields = ("source",)
    search_help_text = "Hub id"

    @admin.display(description="State", ordering="state")
    def standing(self, download: ModelDownload) -> str:
        """How far it has come."""
        return progress(download)

    @admin.display(description="MiB", ordering="bytes_total")
    def size(self, download: ModelDownload) -> str:
        """What is here, of what there is."""
        return f"{download.bytes_done >> 20:,} of {download.bytes_total >> 20:,}"

    @admin.display(description="Started (UTC)", ordering="started_at")
    def started(self, download: ModelDownload) -> str:
        """When it began."""
        return moment(download.started_at)

    @admin.display(description="Heard of (UTC)", ordering="updated_at")
    def updated(self, download: ModelDownload) -> str:
        """When it last moved."""
        return moment(download.updated_at)
