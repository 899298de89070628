"""The command over a scratch platform, in small."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from embeddings.bench.fairness import trials


def test_it_measures_and_tells(monkeypatch, tmp_path, settings):
    monkeypatch.setattr(trials, "paragraphs", lambda count: ("a text",) * count)
    monkeypatch.setattr(trials, "MODEST_TEXTS", 1)
    monkeypatch.setattr(trials, "GREEDY_TEXTS", 2)
    settings.DATA_DIR = tmp_path / "data"
    settings.ENGINE_RUNTIME = "torch"
    out, path = io.StringIO(), tmp_path / "found.json"

    call_command(
        "bench_fairness",
        "--seconds=0.5",
        "--connections=12",
        f"--json={path}",
        stdout=out,
    )

    found = json.loads(path.read_text("utf-8"))
    assert found["neighbours"]["capacity"] > 0
    assert found["neighbours"]["got_beside"] > 0
    assert found["weights"]["heavy"] > 0
    assert "tokens by weights 2 to 1" in out.getvalue()


def test_connections_are_enough_for_all_tenants():
    with pytest.raises(CommandError, match="10 are the least"):
        call_command("bench_fairness", "--connections=9")
