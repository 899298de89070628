"""Reports and commands across processes, over the real database."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from embeddings import fleet
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.spec import LoadedModel
from embeddings.fleet import Reporter
from embeddings.models import EngineCommand, EngineProcess
from tests.embeddings.engine.making import until
from tests.factories import make_model, make_remote_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def reporter(monkeypatch):
    """A reporter whose commands run at once, in the test's own thread."""
    made = Reporter()
    monkeypatch.setattr(made._work, "submit", lambda call, *given: call(*given))
    monkeypatch.setattr(fleet.connection, "close", lambda: None)
    yield made
    made.stop()


def ask(action, model=None):
    return EngineCommand.objects.create(action=action, model=model or make_model())


def test_process_describes_its_engine(reporter, engine):
    mini = LoadedModel(
        name="mini", device="cpu", bytes=7, expires_in_s=None, in_use=1, requests=3
    )
    engine.state = replace(engine.state, models=(mini,))

    reporter.tick()
    reporter.tick()

    row = EngineProcess.objects.get()
    assert row.facts["models"][0]["name"] == "mini"
    assert row.facts["models"][0]["requests"] == 3
    assert row.seen_at >= row.started_at


def test_process_without_an_engine_reports_too(reporter, monkeypatch):
    monkeypatch.setattr(fleet.process, "_engine", None)

    reporter.tick()

    assert EngineProcess.objects.get().facts == {}


@pytest.mark.parametrize(
    ("action", "loads", "unloads", "retries"),
    [("warm", 1, 0, 0), ("unload", 0, 1, 0), ("retry", 1, 0, 1)],
)
def test_every_process_carries_a_command_out_once(
    engine, reporter, action, loads, unloads, retries
):
    reporter.tick()
    ask(action)

    reporter.tick()
    reporter.tick()

    done = (len(engine.loads), len(engine.unloads), len(engine.retries))
    assert done == (loads, unloads, retries)


def test_what_was_asked_before_the_start_is_done_already(engine):
    old = ask("warm")
    EngineCommand.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(minutes=5)
    )
    late = Reporter()

    late.tick()
    late.tick()

    assert not engine.loads
    late.stop()


def test_model_that_is_not_here_is_passed_over(engine, reporter):
    reporter.tick()
    ask("warm", make_model(source="org/elsewhere"))

    reporter.tick()

    assert not engine.loads


def test_failed_command_ends_nothing(engine, reporter, caplog):
    engine.failures["load"] = ModelUnavailableError("no memory")
    reporter.tick()
    ask("warm")

    reporter.tick()

    assert "no memory" in caplog.text


def test_processes_and_commands_of_the_past_are_forgotten(reporter):
    now = timezone.now()
    EngineProcess.objects.create(
        id="7" * 32,
        host="gone",
        pid=1,
        started_at=now,
        seen_at=now - timedelta(minutes=2),
    )
    EngineCommand.objects.filter(pk=ask("warm").pk).update(
        created_at=now - timedelta(hours=2)
    )

    fleet.tidy()

    assert not EngineProcess.objects.exists()
    assert not EngineCommand.objects.exists()


def test_database_that_is_away_is_told_once(reporter, monkeypatch, caplog):
    def fail():
        raise OperationalError("connection refused")

    caplog.set_level(logging.WARNING)
    for _ in range(3):
        reporter._try(fail)

    assert caplog.text.count("do not reach the database") == 1


@pytest.mark.django_db(transaction=True)
def test_thread_reports_until_it_is_stopped():
    reporter = Reporter(every_s=0.01)

    reporter.start()
    until(EngineProcess.objects.exists)
    reporter.stop()

    assert not EngineProcess.objects.exists()


def test_a_providers_model_is_not_warmed(reporter, engine):
    reporter.tick()
    for action in EngineCommand.Action.values:
        ask(action, make_remote_model())

    reporter.tick()

    assert (engine.loads, engine.unloads, engine.retries) == ([], [], [])
