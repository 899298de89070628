"""Celery's entry points."""

import pytest

from embeddings import tasks
from embeddings.catalog.hub import HubError
from tests.factories import make_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def pulled(monkeypatch):
    names = []
    monkeypatch.setattr(tasks, "pull", names.append)
    return names


def test_model_is_pulled_by_its_row(pulled):
    model = make_model("mini")

    tasks.pull_model(model.pk)

    assert pulled == ["mini"]


def test_model_that_is_gone_is_no_error(pulled):
    tasks.pull_model(0)

    assert not pulled


def test_failure_is_told_once_and_not_tried_again(monkeypatch, caplog):
    def fail(name):
        raise HubError("the hub answers 503")

    monkeypatch.setattr(tasks, "pull", fail)

    tasks.pull_model(make_model("mini").pk)

    assert "mini was not pulled: the hub answers 503" in caplog.text
