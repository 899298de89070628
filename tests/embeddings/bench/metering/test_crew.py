"""Processes and what their parent learns of them."""

import sys
from pathlib import Path

import pytest

from embeddings.bench.metering import crew as crews
from embeddings.bench.metering.crew import Worker, crew
from embeddings.bench.scratch import Scratch, ScratchError

#: Answers each line with itself and tells of two events, the second broken off.
ECHO = """
import os, sys
for line in sys.stdin:
    os.write(2, b"first\\nseco")
    print(line, end="", flush=True)
"""


@pytest.fixture
def platform(monkeypatch, tmp_path):
    monkeypatch.setattr(crews, "START", ECHO)
    environment = {"PYTHONPATH": str(Path(sys.executable).parent)}
    return Scratch(folder=tmp_path, database_url="", environment=environment, key="")


def test_a_command_is_answered(platform):
    with crew(platform, size=2) as workers:
        for worker in workers:
            worker.send("count", to=3)
        assert [worker.answer() for worker in workers] == [{"do": "count", "to": 3}] * 2


def test_events_are_told_once_and_whole(platform):
    worker = Worker(platform)
    worker.ask("check")

    assert worker.events() == ["first"]
    assert worker.events() == []
    worker.ask("check")
    assert worker.close() == ["secofirst"]


def test_one_that_was_killed_answers_nothing(platform):
    worker = Worker(platform)
    worker.ask("check")

    assert worker.kill() == ["first"]


def test_one_that_died_is_told_from_one_that_answers(platform, monkeypatch):
    monkeypatch.setattr(crews, "START", "raise SystemExit('out of memory')")
    worker = Worker(platform)

    with pytest.raises(ScratchError, match="out of memory"):
        worker.answer()
    worker.close()
