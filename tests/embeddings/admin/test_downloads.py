"""Downloads in the admin, and what the catalog's list tells of them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from embeddings import tasks
from embeddings.models import ModelDownload
from tests.factories import make_model
from tests.operators import SignIn

CATALOG = reverse("admin:embeddings_embeddingmodel_changelist")
LIST = reverse("admin:embeddings_modeldownload_changelist")
MIB = 1 << 20


def note(model, **fields):
    return ModelDownload.objects.create(model=model, source=model.source, **fields)


def seen(client: Client, url: str) -> str:
    return client.get(url).content.decode()


@pytest.fixture
def model(db):
    return make_model("mini", source="org/mini")


def test_model_that_is_not_here_is_shown_as_such(root, model):
    assert "Not downloaded" in seen(root, CATALOG)


def test_model_that_is_here_is_ready(root, db):
    make_model("here")

    assert "Ready" in seen(root, CATALOG)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"bytes_done": 43 * MIB, "bytes_total": 100 * MIB}, "Downloading 43 %"),
        ({}, "Running"),
        ({"state": "checking"}, "Checking"),
        ({"state": "failed", "error": "no disk"}, "Failed"),
    ],
    ids=["share", "beginning", "checking", "failed"],
)
def test_latest_attempt_is_what_is_shown(root, model, fields, text):
    note(model, state="failed")
    note(model, **fields)

    assert text in seen(root, CATALOG)


def test_attempt_that_fell_silent_was_broken_off(root, model):
    old = note(model)
    long_ago = timezone.now() - timedelta(hours=1)
    ModelDownload.objects.filter(pk=old.pk).update(updated_at=long_ago)

    assert "Download broken off" in seen(root, CATALOG)


def test_attempts_are_listed_with_their_errors(root, model):
    note(model, state="failed", error="the hub answers 503 for org/mini")
    note(model, bytes_done=2 * MIB, bytes_total=9 * MIB)

    page = seen(root, LIST)

    assert "the hub answers 503 for org/mini" in page
    assert "2 of 9" in page


def download(client, *models):
    return client.post(
        CATALOG,
        {"action": "download", "_selected_action": [model.pk for model in models]},
    )


@pytest.fixture
def asked(monkeypatch):
    ids = []
    monkeypatch.setattr(tasks.pull_model, "delay", ids.append)
    return ids


def test_operator_asks_for_a_download(
    root, model, asked, django_capture_on_commit_callbacks
):
    local = make_model("local", source="/models/local")

    with django_capture_on_commit_callbacks(execute=True):
        download(root, model, local)

    assert asked == [model.pk]


def test_onlooker_may_not_ask_for_a_download(staff: SignIn, model, asked):
    client = staff("embeddings.view_embeddingmodel")

    download(client, model)

    assert not asked


def test_nobody_edits_what_happened(root, model):
    row = note(model)

    url = reverse("admin:embeddings_modeldownload_change", args=[row.pk])

    assert root.post(url, {"error": "x"}).status_code == 403
    assert root.get(url).status_code == 200
