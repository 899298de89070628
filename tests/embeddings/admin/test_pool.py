"""The Pool page: what processes report, and what operators ask of them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from embeddings.models import EngineCommand, EngineProcess
from tests.factories import make_model
from tests.operators import SignIn

PAGE = reverse("admin:embeddings_engineprocess_changelist")
MIB = 1 << 20
LOADED = {
    "name": "mini",
    "device": "cpu",
    "runtime": "openvino",
    "precision": "float32",
    "bytes": 300 * MIB,
    "in_use": 2,
    "requests": 1234,
    "expires_in_s": 61.0,
}


def report(*, seen_ago_s=0.0, pid=7, **facts):
    now = timezone.now()
    return EngineProcess.objects.create(
        id=uuid4(),
        host="box",
        pid=pid,
        started_at=now,
        seen_at=now - timedelta(seconds=seen_ago_s),
        facts=facts,
    )


def seen(client: Client) -> str:
    response = client.get(PAGE)
    assert response.status_code == 200
    return response.content.decode()


def url(action, model):
    return reverse(
        "admin:embeddings_engineprocess_ask",
        kwargs={"action": action, "model_id": model.pk},
    )


def test_empty_pool_is_told_in_words(root: Client):
    page = seen(root)

    assert "No process serves now" in page
    assert "The catalog offers no model." in page


def test_processes_and_their_models_are_shown(root: Client):
    make_model("mini")
    report(models=[LOADED], used_bytes=1 << 30, memory_bytes=4 << 30, queued_texts=5)
    report(models=[{**LOADED, "expires_in_s": None}], pid=8)

    page = seen(root)

    assert "box, process 7" in page
    assert "1,024 of 4,096 (25 %)" in page
    assert "In memory of 2" in page
    assert "cpu, openvino, float32" in page
    assert "2,468" in page
    assert "never" in page


def test_silent_process_is_shown_as_such_and_its_models_are_not(root: Client):
    make_model("mini")
    report(models=[LOADED], seen_ago_s=30)

    page = seen(root)

    assert "Not heard of" in page
    assert "On disk" in page
    assert "In memory" not in page


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"trouble": "the device is lost"}, "the device is lost"),
        ({}, "No model yet"),
        ({"loading": ["mini"]}, "Loading"),
    ],
    ids=["trouble", "new", "loading"],
)
def test_states_are_told(root: Client, facts, text):
    make_model("mini")
    report(**facts)

    assert text in seen(root)


def test_failed_load_is_shown_with_its_reason_and_can_be_retried(root: Client):
    model = make_model("mini")
    failure = {"name": "mini", "error": "weights are missing", "retry_in_s": 9}
    report(failed=[failure])

    page = seen(root)

    assert "weights are missing" in page
    assert url("retry", model) in page


def test_model_whose_files_are_elsewhere_is_shown_as_such(root: Client):
    make_model("far", source="org/far")

    assert "Not downloaded" in seen(root)


@pytest.mark.parametrize("action", EngineCommand.Action.values)
def test_operators_wish_is_recorded(root: Client, action):
    model = make_model("mini")

    response = root.post(url(action, model), follow=True)

    command = EngineCommand.objects.get()
    assert (command.action, command.model) == (action, model)
    assert "Every process was asked to" in response.content.decode()
    assert LogEntry.objects.get_for_object(command).exists()


def test_wish_needs_a_post_and_a_known_action(root: Client):
    model = make_model("mini")

    assert root.get(url("warm", model)).status_code == 403
    assert root.post(url("burn", model)).status_code == 403
    assert not EngineCommand.objects.exists()


def test_onlooker_sees_and_may_not_ask(staff: SignIn):
    model = make_model("mini")
    client = staff("embeddings.view_engineprocess")

    assert "Warm" not in seen(client)
    assert client.post(url("warm", model)).status_code == 403


def test_page_is_not_for_everybody(staff: SignIn):
    assert staff().get(PAGE).status_code == 403


def test_page_costs_the_same_for_any_number(root, django_assert_max_num_queries):
    for number in range(20):
        make_model(f"mini-{number}")
        report(pid=number)

    with django_assert_max_num_queries(6):
        root.get(PAGE)
