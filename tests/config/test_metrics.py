"""/metrics: for whom it is, and what it tells."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import metrics as page
from embeddings import metrics
from embeddings.models import EngineProcess, Provider
from tests.factories import make_provider

pytestmark = pytest.mark.django_db
ELSEWHERE = "203.0.113.9"


def report(*, seen_ago_s=0.0, pid=7, **facts):
    now = timezone.now()
    EngineProcess.objects.create(
        id=uuid4(),
        host="box",
        pid=pid,
        started_at=now,
        seen_at=now - timedelta(seconds=seen_ago_s),
        facts=facts,
    )


def samples(client: Client, **extra):
    """Values by name and labels."""
    response = client.get("/metrics", **extra)
    assert response.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_may_read_it_without_a_token(client: Client, address) -> None:
    assert samples(client, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    "request_",
    [
        {"REMOTE_ADDR": ELSEWHERE},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ELSEWHERE},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=203.0.113.9"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REAL_IP": ELSEWHERE},
    ],
    ids=["elsewhere", "nowhere", "proxied", "forwarded", "real-ip"],
)
def test_others_do_not_find_it(client: Client, request_) -> None:
    assert client.get("/metrics", **request_).status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("Bearer right", 200),
        ("bearer right", 200),
        ("Bearer wrong", 401),
        ("Basic right", 401),
        ("right", 401),
        ("", 401),
        ("Bearer \u00e9", 401),
    ],
)
def test_token_is_asked_of_everybody(client: Client, settings, sent, status) -> None:
    settings.METRICS_TOKEN = "right"
    for address in (ELSEWHERE, "127.0.0.1"):
        response = client.get(
            "/metrics", headers={"authorization": sent}, REMOTE_ADDR=address
        )

        assert response.status_code == status
        assert b"right" not in response.content


def test_it_is_only_read(client: Client) -> None:
    assert client.post("/metrics").status_code == 405
    assert client.head("/metrics").status_code == 200


def test_answers_are_counted_by_wire_method_and_status(client: Client) -> None:
    labels = (("method", "POST"), ("status", "401"), ("wire", "openai"))
    before = samples(client).get(("embedding_requests_total", labels), 0)

    client.post("/v1/embeddings", b"{}", content_type="application/json")

    assert samples(client)["embedding_requests_total", labels] == before + 1


def test_strangers_make_no_new_labels(client: Client) -> None:
    for number in range(3):
        client.generic(f"BREW{number}", "/v1/embeddings")
        client.get(f"/nowhere/{number}")

    told = {dict(labels).get("method") for _, labels in samples(client)}
    assert told <= {None, "GET", "HEAD", "POST", "other"}


def test_what_was_served_is_counted_by_model(client: Client) -> None:
    labels = (("model", "mini"), ("wire", "chroma"))
    before = samples(client).get(("embedding_tokens_total", labels), 0)

    metrics.served(wire="chroma", model="mini", texts=2, tokens=9, truncated=1)

    assert samples(client)["embedding_tokens_total", labels] == before + 9


def test_engines_are_told_by_their_last_reports(client: Client) -> None:
    model = {"name": "mini", "bytes": 300, "requests": 5}
    report(models=[model], used_bytes=300, queued_texts=4, texts_total=70)
    report(pid=8, failed=[{"name": "bad", "error": "a reason"}])
    report(pid=9, seen_ago_s=60, queued_texts=1)

    told = samples(client)

    process = ("process", "box 7")
    assert told["engine_memory_used_bytes", (process,)] == 300
    assert told["engine_queue_texts", (process,)] == 4
    assert told["engine_texts_total", (process,)] == 70
    assert told["engine_model_bytes", (("model", "mini"), process)] == 300
    failed = (("model", "bad"), ("process", "box 8"))
    assert told["engine_model_load_failed", failed] == 1
    assert ("engine_queue_texts", (("process", "box 9"),)) not in told
    assert told["platform_database_up", ()] == 1


def test_it_answers_without_the_database(client: Client, monkeypatch) -> None:
    def fail(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(EngineProcess.objects, "filter", fail)
    monkeypatch.setattr(Provider.objects, "enabled", fail)

    assert samples(client)["platform_database_up", ()] == 0


COUNT = """
import os, sys
from embeddings.metrics import served
served(wire="chroma", model="mini", texts=1, tokens=int(sys.argv[1]), truncated=0)
"""


def test_counters_of_several_processes_are_added_up(
    client: Client, monkeypatch, tmp_path: Path
) -> None:
    root = Path(__file__).resolve().parents[2]
    shared = {page.SHARED_FOLDER: str(tmp_path), "PYTHONPATH": str(root)}
    for tokens in ("3", "4"):
        subprocess.run(
            [sys.executable, "-c", COUNT, tokens], env=os.environ | shared, check=True
        )
    monkeypatch.setenv(page.SHARED_FOLDER, str(tmp_path))

    labels = (("model", "mini"), ("wire", "chroma"))
    assert samples(client)["embedding_tokens_total", labels] == 7


def test_providers_that_refuse_are_told(client: Client) -> None:
    make_provider("fine")
    make_provider("off", is_enabled=False)
    make_provider("bad", trouble="HTTP 401", trouble_at=timezone.now())

    told = samples(client)

    assert told["provider_refuses", (("provider", "fine"),)] == 0
    assert told["provider_refuses", (("provider", "bad"),)] == 1
    assert ("provider_refuses", (("provider", "off"),)) not in told
