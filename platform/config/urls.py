"""The admin, health and docs; everything else is the wires'."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny

from config import health, metrics

urlpatterns = [
    path("admin/", admin.site.urls),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="openapi", permission_classes=[AllowAny]
        ),
        name="docs",
    ),
    path("", include("embeddings.urls")),
]

# What fails before a view has it, a foreign Host say: below the wires' paths clients
# read JSON. Not found and forbidden are the views' own: only the admin raises those.
handler400 = "embeddings.views.bad_request"
handler500 = "embeddings.views.server_error"
