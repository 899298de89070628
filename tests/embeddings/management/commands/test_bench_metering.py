"""The command over a scratch platform, in small."""

import io
import json
from contextlib import nullcontext

import pytest
from django.core.management import CommandError, call_command

from embeddings.bench import machine
from embeddings.bench.metering import trials, web
from embeddings.bench.metering.report import MeteringReport
from embeddings.management.commands import bench_metering


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Few processes, on a data folder of their own and an embedded server."""
    monkeypatch.setattr(trials, "WORKERS", 2)
    monkeypatch.setattr(trials, "CLIENTS", 4)
    monkeypatch.setattr(trials, "LIMIT", 60)
    monkeypatch.setattr(trials, "LARGEST", 9)
    monkeypatch.setattr(trials, "KILL_EVERY_S", 0.3)
    monkeypatch.setattr(web, "PROCESSES", 1)
    return tmp_path


def test_it_measures_pushes_and_tells(small, settings):
    settings.DATA_DIR = small / "data"
    out, path = io.StringIO(), small / "found.json"

    call_command(
        "bench_metering",
        "--seconds=0.2",
        "--threads=2",
        "--runs=1",
        "--kill-seconds=1.5",
        f"--json={path}",
        stdout=out,
    )

    found = json.loads(path.read_text("utf-8"))
    assert found["problems"] == []
    assert found["survival"]["kills"] >= 2
    assert found["over_http"]["requests_per_s"] > 0
    assert "kill -9" in out.getvalue()


def test_what_does_not_hold_fails(monkeypatch):
    worse = trials.Exactness(runs=1, limit=1, overshot=1, unusable=0, wrongly_refused=0)
    speed = trials.Speed(requests_per_s=1.0, p50_ms=1.0, p95_ms=1.0, unavailable=0)
    report = MeteringReport(
        machine=machine.look(),
        at_most=speed,
        at_200_per_s=speed,
        over_http=None,
        exactness=worse,
        survival=None,
    )
    monkeypatch.setattr(bench_metering, "scratch", lambda **_: nullcontext())
    monkeypatch.setattr(bench_metering.Command, "_measure", lambda *_: report)

    with pytest.raises(CommandError, match="does not hold"):
        call_command("bench_metering", stdout=io.StringIO())
