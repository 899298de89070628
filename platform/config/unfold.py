"""How the admin looks: its name, its colours and its sidebar."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_view(permission: str) -> Callable[[HttpRequest], bool]:
    """Whether the visitor holds one permission."""
    return lambda request: request.user.has_perm(permission)


def _stylesheet(_: HttpRequest) -> str:
    return static("config/admin.css")


def _favicon(_: HttpRequest) -> str:
    return static("config/favicon.svg")


def _page(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    """A sidebar entry for one model's list, shown to those who may view it."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may_view(f"{app}.view_{model}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Embedding platform",
    "SITE_HEADER": "Embedding platform",
    "SITE_SUBHEADER": "Operator console",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "SITE_URL": "/docs",
    "DASHBOARD_CALLBACK": "config.home.add_facts",
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "STYLES": [_stylesheet],
    "COLORS": {
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(66% .125 182.503)",
            "600": "oklch(52% .1 184.704)",
            "700": "oklch(45% .085 186.391)",
            "800": "oklch(40% .07 188.216)",
            "900": "oklch(35% .055 188.416)",
            "950": "oklch(27.7% .046 192.524)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    {
                        "title": "Home",
                        "icon": "home",
                        "link": reverse_lazy("admin:index"),
                    },
                ],
            },
            {
                "title": "Tenants",
                "separator": True,
                "items": [
                    _page("Tenants", "domain", "accounts", "tenant"),
                    _page("API keys", "key", "accounts", "apikey"),
                    _page("Plans", "loyalty", "accounts", "plan"),
                    _page("Prices", "sell", "accounts", "price"),
                    _page("Usage", "bar_chart", "accounts", "usagesofar"),
                    _page("Usage ledger", "receipt_long", "accounts", "usageevent"),
                ],
            },
            {
                "title": "Models",
                "separator": True,
                "items": [
                    _page("Catalog", "deployed_code", "embeddings", "embeddingmodel"),
                    _page("Providers", "cloud", "embeddings", "provider"),
                    _page("Grants", "handshake", "embeddings", "modelgrant"),
                    _page("Pool", "memory", "embeddings", "engineprocess"),
                    _page("Downloads", "download", "embeddings", "modeldownload"),
                    _page("Tasks", "assignment", "embeddings", "instructiontask"),
                ],
            },
            {
                "title": "Operators",
                "separator": True,
                "items": [
                    _page("Users", "person", "accounts", "user"),
                    _page("Groups", "group", "auth", "group"),
                ],
            },
            {
                "title": "Security",
                "separator": True,
                "items": [
                    _page("Audit log", "history", "auditlog", "logentry"),
                    _page("Sign-ins", "login", "axes", "accesslog"),
                    _page("Failed sign-ins", "gpp_bad", "axes", "accessattempt"),
                ],
            },
        ],
    },
}
