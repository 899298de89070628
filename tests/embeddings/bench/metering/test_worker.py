"""One process's part in the trials, inside this one."""

import io
import json
import sys

import pytest

from accounts.metering import close_meter
from accounts.models import UsageEvent
from accounts.revision import close_cache
from embeddings.bench.metering import worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def threads_end():
    yield
    close_meter()
    close_cache()


def test_clients_use_a_quota_up_and_are_told_so():
    key = worker.make_tenant(slug="trial", quotas={"tokens-month": 20})["key"]

    found = worker.run(
        key=key, threads=4, seconds=30, tokens=(1, 1), until_refused=True
    )

    assert (found["tokens"], found["refused"], found["unavailable"]) == (20, 4, 0)
    assert len(found["latencies"]) == UsageEvent.objects.count() == 20
    assert worker.check() == {"held": 0, "differences": 0}


def test_a_number_of_requests_may_be_asked_for():
    key = worker.make_tenant(slug="trial", quotas={})["key"]

    found = worker.run(key=key, threads=2, seconds=30, requests=3, rate=1000.0)

    assert len(found["latencies"]) == 6


def test_commands_come_and_are_answered_by_the_line(monkeypatch, capsys):
    lines = json.dumps({"do": "check"}) + "\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines * 2))

    worker.main()

    answers = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["held"] for line in answers] == [0, 0]
