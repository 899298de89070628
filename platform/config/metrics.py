"""/metrics: counters of all processes and the state of their engines."""

import hmac
import ipaddress
import os
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from embeddings.models import EngineProcess, Provider

#: Set by the web server's configuration; where processes share their counters.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
#: Processes report every two seconds.
SILENT_AFTER = timedelta(seconds=15)
#: What a proxy adds: such a request came from elsewhere, whoever passed it on.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

GAUGES = {
    "memory_bytes": ("engine_memory_budget_bytes", "Memory that models may use."),
    "used_bytes": ("engine_memory_used_bytes", "Memory reserved for models."),
    "queued_texts": ("engine_queue_texts", "Texts that wait."),
    "queued_tokens": ("engine_queue_tokens", "Tokens that wait."),
    "streams": ("engine_streams", "Batches that can run at a time."),
    "busy_streams": ("engine_busy_streams", "Batches that run."),
    "tokens_per_s": ("engine_stream_tokens_per_second", "Recent speed of one stream."),
}
COUNTERS = {
    "texts_total": ("engine_texts", "Texts that came out of the model."),
    "tokens_total": ("engine_tokens", "Their tokens."),
    "padded_tokens_total": ("engine_padded_tokens", "Their tokens with padding."),
    "batches_total": ("engine_batches", "Batches run."),
    "failed_total": ("engine_failed_texts", "Texts that failed alone."),
    "out_of_memory_total": ("engine_out_of_memory", "Batches that were too large."),
    "loads_total": ("engine_loads", "Models read into memory."),
    "unloads_total": ("engine_unloads", "Models taken out of memory."),
}


class EngineCollector(Collector):
    """The engines' state, as their processes last reported it; one query."""

    def collect(self) -> Iterable[Metric]:
        """A gauge or counter per fact and process, and the models in memory."""
        try:
            since = timezone.now() - SILENT_AFTER
            processes = list(EngineProcess.objects.filter(seen_at__gt=since))
        except (DatabaseError, InterfaceError):
            yield GaugeMetricFamily(
                "platform_database_up", "Whether it answers.", value=0
            )
            return
        yield GaugeMetricFamily("platform_database_up", "Whether it answers.", value=1)
        for kind, families in (
            (GaugeMetricFamily, GAUGES),
            (CounterMetricFamily, COUNTERS),
        ):
            for fact, (name, text) in families.items():
                metric = kind(name, text, labels=["process"])
                for process in processes:
                    if fact in process.facts:
                        value = process.facts[fact]
                        metric.add_metric([str(process)], value)
                yield metric
        yield from _models(processes)


class ProviderCollector(Collector):
    """Which providers refuse our calls, as operators see it; one query."""

    def collect(self) -> Iterable[Metric]:
        """A gauge per provider that is in use; none without the database."""
        metric = GaugeMetricFamily(
            "provider_refuses",
            "Whether a provider refuses our calls.",
            labels=["provider"],
        )
        try:
            for provider in Provider.objects.enabled():
                metric.add_metric([provider.name], provider.trouble_at is not None)
        except (DatabaseError, InterfaceError):
            return
        yield metric


def _models(processes: list[EngineProcess]) -> Iterator[Metric]:
    labels = ["process", "model"]
    memory = GaugeMetricFamily(
        "engine_model_bytes", "Memory of a loaded model.", labels=labels
    )
    requests = CounterMetricFamily(
        "engine_model_requests", "Requests since the model was loaded.", labels=labels
    )
    failed = GaugeMetricFamily(
        "engine_model_load_failed", "A load that failed and rests.", labels=labels
    )
    for process in processes:
        for model in process.facts.get("models", ()):
            names = [str(process), str(model["name"])]
            memory.add_metric(names, model["bytes"])
            requests.add_metric(names, model.get("requests", 0))
        for model in process.facts.get("failed", ()):
            failed.add_metric([str(process), str(model["name"])], 1)
    yield from (memory, requests, failed)


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for METRICS_TOKEN, or without one for this machine."""
    if settings.METRICS_TOKEN:
        if not _has_token(request):
            refusal = HttpResponse("a token is needed\n", "text/plain", 401)
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
    elif not _is_from_here(request):
        return HttpResponseNotFound("not found\n", "text/plain")
    if request.method not in ("GET", "HEAD"):
        return HttpResponse("method not allowed\n", "text/plain", 405)
    return HttpResponse(generate_latest(_registry()), CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    if SHARED_FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_ThisProcess())
    registry.register(EngineCollector())
    registry.register(ProviderCollector())
    return registry


class _ThisProcess(Collector):
    """What this process alone has counted, where no others share with it."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN.encode()
    is_right = hmac.compare_digest(token.strip().encode(), expected)
    return scheme.lower() == "bearer" and is_right


def _is_from_here(request: HttpRequest) -> bool:
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
