"""What the console's home page shows: a few counts and the latest requests."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin.columns import moment, number, status_badge
from accounts.models import ApiKey, Tenant, UsageEvent
from embeddings.models import EmbeddingModel, ModelGrant, Provider

LATEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A figure, what it counts, and the page that lists it."""

    title: str
    icon: str
    count: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A usage event as the home page writes it."""

    url: str
    time: str
    tenant: str
    model: str
    wire: str
    status: str
    texts: str
    tokens: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A provider that refuses our calls, what it said last, and its page."""

    provider: str
    text: str
    time: str
    url: str


def add_facts(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The home page's context, with those facts that the visitor may see."""
    context |= {"title": "Home", "facts": _facts(request)}
    if request.user.has_perm("accounts.view_usageevent"):
        context["latest"] = _latest()
    if request.user.has_perm("embeddings.view_provider"):
        context["troubles"] = _troubles()
    return context


def _troubles() -> list[Trouble]:
    return [
        Trouble(
            provider=provider.name,
            text=provider.trouble,
            time=moment(provider.trouble_at),
            url=reverse("admin:embeddings_provider_change", args=[provider.pk]),
        )
        for provider in Provider.objects.in_trouble()
    ]


def _latest() -> list[Served]:
    # In the order of an index: the whole ledger is never read for this page.
    events = UsageEvent.objects.order_by("-occurred_at", "-event_id")
    return [
        Served(
            url=reverse("admin:accounts_usageevent_change", args=[event.pk]),
            time=f"{event.occurred_at:%Y-%m-%d %H:%M:%S}",
            tenant=event.tenant.slug,
            model=event.model,
            wire=event.wire,
            status=status_badge(event.status),
            texts=number(event.texts),
            tokens=number(event.tokens),
        )
        for event in events.select_related("tenant")[:LATEST]
    ]


def _facts(request: HttpRequest) -> list[Fact]:
    counted = [
        ("Active tenants", "domain", Tenant.objects.active()),
        ("Live API keys", "key", ApiKey.objects.active()),
        ("Enabled models", "deployed_code", EmbeddingModel.objects.enabled()),
        ("Model grants", "handshake", ModelGrant.objects.all()),
    ]
    return [
        Fact(
            title=title, icon=icon, count=f"{rows.count():,}", url=_list_url(rows.model)
        )
        for title, icon, rows in counted
        if request.user.has_perm(_view_permission(rows.model))
    ]


def _view_permission(model: type[Model]) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def _list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
