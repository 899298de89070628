"""The pool: what serving processes have in memory, and what may be asked of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from auditlog.registry import auditlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.columns import BAD, GOOD, NOTE, STALE, badge
from embeddings.catalog.locate import locate
from embeddings.models import EmbeddingModel, EngineCommand, EngineProcess

#: Processes report every two seconds.
SILENT_AFTER = timedelta(seconds=15)
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One process as the page shows it; `facts` as in the engine's status."""

    name: str
    state: str
    facts: dict[str, Any]
    used_mib: str
    memory_mib: str
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model of the catalog as it stands in all processes together."""

    pk: int
    name: str
    state: str
    place: str
    mib: str
    in_use: int
    requests: str
    expires: str
    error: str
    is_here: bool
    is_loaded: bool
    has_failed: bool


@admin.register(EngineProcess)
class PoolAdmin(ReadOnlyAdmin):
    """One page instead of a list; it renews itself."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and what its buttons send."""
        urls: list[URLPattern] = super().get_urls()
        ask = path(
            "<str:action>/<int:model_id>/",
            self.admin_site.admin_view(self.ask),
            name="embeddings_engineprocess_ask",
        )
        return [ask, *urls]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        processes = list(EngineProcess.objects.all())
        live = [one for one in processes if not _is_silent(one)]
        context = {
            **self.admin_site.each_context(request),
            "title": "Pool",
            "subtitle": None,
            "processes": [_process_row(one) for one in processes],
            "models": _model_rows(live),
            "may_ask": request.user.has_perm("embeddings.change_embeddingmodel"),
            **(extra_context or {}),
        }
        return render(request, "admin/embeddings/pool.html", context)

    def ask(self, request: HttpRequest, action: str, model_id: int) -> HttpResponse:
        """Record an operator's wish; every process carries it out by itself."""
        may_ask = request.user.has_perm("embeddings.change_embeddingmodel")
        known = action in EngineCommand.Action.values
        if request.method != "POST" or not may_ask or not known:
            raise PermissionDenied
        model = get_object_or_404(EmbeddingModel, pk=model_id)
        command = EngineCommand.objects.create(action=action, model=model)
        label = command.get_action_display().lower()
        messages.success(request, f"Every process was asked to {label} {model}.")
        return HttpResponseRedirect(
            reverse("admin:embeddings_engineprocess_changelist")
        )


def _is_silent(process: EngineProcess) -> bool:
    return timezone.now() - process.seen_at > SILENT_AFTER


def _process_row(process: EngineProcess) -> ProcessRow:
    facts = process.facts
    used, memory = facts.get("used_bytes", 0), facts.get("memory_bytes", 0)
    if _is_silent(process):
        state = badge("Not heard of", BAD)
    elif facts.get("trouble"):
        state = badge(str(facts["trouble"]), BAD)
    else:
        state = badge("Serving", GOOD) if facts else badge("No model yet", NOTE)
    return ProcessRow(
        name=f"{process.host}, process {process.pid}",
        state=state,
        facts=facts,
        used_mib=f"{used // MIB:,}",
        memory_mib=f"{memory // MIB:,}",
        share=round(100 * used / memory) if memory else 0,
    )


def _model_rows(processes: list[EngineProcess]) -> list[ModelRow]:
    """Enabled models: those in memory, then failures, then what could be warmed."""
    loaded: dict[str, list[dict[str, Any]]] = {}
    loading: set[str] = set()
    failed: dict[str, dict[str, Any]] = {}
    for process in processes:
        for one in process.facts.get("models", ()):
            loaded.setdefault(one["name"], []).append(one)
        loading |= set(process.facts.get("loading", ()))
        failed |= {one["name"]: one for one in process.facts.get("failed", ())}
    rows = [
        _model_row(
            model,
            loaded.get(model.name, []),
            is_loading=model.name in loading,
            failure=failed.get(model.name),
        )
        for model in EmbeddingModel.objects.enabled().filter(provider__isnull=True)
    ]
    return sorted(
        rows, key=lambda row: (not row.is_loaded, not row.has_failed, not row.is_here)
    )


def _model_row(
    model: EmbeddingModel,
    loaded: list[dict[str, Any]],
    *,
    is_loading: bool,
    failure: dict[str, Any] | None,
) -> ModelRow:
    is_here = locate(model.source) is not None
    if loaded:
        state = badge(
            f"In memory of {len(loaded)}" if len(loaded) > 1 else "In memory", GOOD
        )
    elif is_loading:
        state = badge("Loading", NOTE)
    elif failure:
        state = badge("Failed", BAD)
    else:
        state = badge("On disk", "") if is_here else badge("Not downloaded", STALE)
    first = loaded[0] if loaded else {}
    return ModelRow(
        pk=model.pk,
        name=model.name,
        state=state,
        place=", ".join(
            str(first[key])
            for key in ("device", "runtime", "precision")
            if first.get(key)
        ),
        mib=f"{sum(one['bytes'] for one in loaded) // MIB:,}" if loaded else "",
        in_use=sum(one["in_use"] for one in loaded),
        requests=f"{sum(one.get('requests', 0) for one in loaded):,}" if loaded else "",
        expires=_expiry(loaded),
        error=str(failure["error"]) if failure else "",
        is_here=is_here,
        is_loaded=bool(loaded),
        has_failed=failure is not None,
    )


def _expiry(loaded: list[dict[str, Any]]) -> str:
    """When the last process lets it go."""
    if not loaded:
        return ""
    seconds = [one["expires_in_s"] for one in loaded]
    if None in seconds:
        return "never"
    return f"in {max(seconds):,.0f} s"


auditlog.register(EngineCommand)
