"""The command that measures."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from embeddings.bench.session import Report
from embeddings.management.commands import bench

QUICK = ("--quick", "--no-http", "--only", "torch float32", "--rows")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("bench", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("rounds", ["1", "4"])
def test_few_rounds_are_refused(rounds: str) -> None:
    with pytest.raises(CommandError, match=f"{rounds} rounds tell too little"):
        run("--rounds", rounds)


def test_too_many_texts_are_refused() -> None:
    with pytest.raises(CommandError, match="paragraphs, not 99999999"):
        run(*QUICK, "bulk", "--texts", "99999999")


def test_a_quick_run_measures_the_real_model(tmp_path) -> None:
    as_json, as_markdown = tmp_path / "bench.json", tmp_path / "bench.md"

    shown = run(
        *(*QUICK, "bulk", "short"),
        *("--json", str(as_json), "--markdown", str(as_markdown)),
    )

    found = json.loads(as_json.read_text())
    contenders = {one["name"]: one for one in found["contenders"]}
    assert found["rounds"] == 1
    assert found["problems"] == []
    assert contenders.keys() == {"torch float32", "encode", "matrix products"}
    ours = contenders["torch float32"]
    assert ours["least_cosine"] >= 0.9999
    assert ours["figures"].keys() == {"texts_per_s", "tokens_per_s", "short_ms"}
    assert ours["share_of_ceiling"] > 0
    assert "torch float32" in shown
    assert "| torch float32 |" in as_markdown.read_text()


def test_problems_fail_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bad:
        problems = ("it differs",)

    def measure(*_: object, **__: object) -> type[Bad]:
        return Bad

    monkeypatch.setattr(bench, "measure", measure)
    monkeypatch.setattr(bench.Command, "_write", lambda *_: None)

    with pytest.raises(CommandError, match="no result"):
        run("--quick")

    assert Report.__dataclass_fields__.keys() >= {"problems"}
