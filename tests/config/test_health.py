from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from config import health
from config.health import Readiness
from embeddings import process

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def readiness(monkeypatch: pytest.MonkeyPatch) -> Readiness:
    """A verdict that no other test formed, and no model to load."""
    fresh = Readiness()
    monkeypatch.setattr(health, "_readiness", fresh)
    monkeypatch.setattr(process, "probe", lambda: None)
    # The verdict closes its connection, which here is the test's own.
    monkeypatch.setattr(health.connection, "close", lambda: None)
    return fresh


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_healthy_process_says_so(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_model_that_cannot_embed_makes_it_unready_without_detail(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def probe() -> None:
        raise RuntimeError("no weights in /secret/place")

    monkeypatch.setattr(process, "probe", probe)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable"}
    assert answer["Retry-After"] == "3"
    assert "no weights" in caplog.text


def test_process_lives_without_a_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(health, "MigrationExecutor", away)

    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_missing_migrations_make_it_unready(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plan = [("accounts", "0001")]
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: plan)

    assert client.get("/readyz").status_code == 503
    assert "1 migrations are not applied" in caplog.text


def test_verdict_is_kept_for_a_while(
    readiness: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(process, "probe", lambda: calls.append(None))

    assert readiness.is_ready()
    assert readiness.is_ready()
    assert len(calls) == 1

    monkeypatch.setattr(health, "VERDICT_AGE_S", 0.0)
    assert readiness.is_ready()
    assert len(calls) == 2


def test_nobody_waits_for_a_verdict_that_another_forms(
    readiness: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[bool] = []
    with ThreadPoolExecutor(1) as pool:

        def probe() -> None:
            others.append(pool.submit(readiness.is_ready).result(timeout=10))

        monkeypatch.setattr(process, "probe", probe)
        monkeypatch.setattr(health, "VERDICT_AGE_S", -1.0)

        assert readiness.is_ready()
        assert readiness.is_ready()
        monkeypatch.setattr(health, "STALE_AGE_S", -1.0)
        assert readiness.is_ready()

    assert others == [False, True, False]
