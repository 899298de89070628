"""The command that embeds on this machine."""

import io
import json
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from accounts.models import UsageEvent
from embeddings.engine.errors import InvalidInputError
from embeddings.engine.spec import Role, Truncate
from tests.factories import make_model
from tests.fakes import FakeEngine, vector_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def model(engine: FakeEngine) -> None:
    make_model("all-MiniLM-L6-v2", aliases=("all-minilm",), matryoshka_sizes=[64])


def run(*arguments: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("embed", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_texts_come_as_arguments(engine: FakeEngine) -> None:
    lines = run("--model", "all-minilm", "hello world", "", "a")

    assert [line["index"] for line in lines] == [0, 1, 2]
    assert [line["tokens"] for line in lines] == [4, 2, 3]
    assert [line["truncated"] for line in lines] == [False, False, False]
    vectors = np.array([line["embedding"] for line in lines], dtype=np.float32)
    expected = np.stack([vector_of(text) for text in ("hello world", "", "a")])
    assert (vectors == expected).all()
    assert not UsageEvent.objects.exists()
    assert engine.drained_s == 0


def test_without_arguments_texts_are_lines_of_stdin(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"line {number}" for number in range(600)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(texts) + "\n"))

    lines = run("--model", "ALL-MINILM:latest", "--json")

    assert [line["index"] for line in lines] == list(range(600))
    assert [text for job in engine.jobs for text in job.inputs] == texts
    assert max(len(job.inputs) for job in engine.jobs) == 256


def test_options_reach_the_engine(engine: FakeEngine) -> None:
    (line,) = run(
        *("-m", "all-minilm", "--role", "query", "--instruction", "find"),
        *("--dimensions", "64", "--truncate", "end", "a " * 300),
    )

    (job,) = engine.jobs
    assert (job.role, job.instruction) == (Role.QUERY, "find")
    assert job.truncate is Truncate.END
    assert len(line["embedding"]) == 64
    assert line["truncated"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "nope", "a"), "'nope' is not there"),
        (("--model", "all-minilm", "--dimensions", "65", "a"), "no such dimensions"),
        (("--model", "all-minilm", "--dimensions", "0", "a"), "no such dimensions"),
        (("--model", "all-minilm", "a " * 300), "input 0 has 302 tokens"),
    ],
)
def test_a_failure_is_one_plain_sentence(arguments, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as caught:
        run(*arguments)

    assert caught.value.returncode == 1


def test_the_text_that_is_too_long_is_named_by_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = ["short"] * 300 + ["a " * 300]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(texts)))

    with pytest.raises(CommandError, match="input 300 has 302 tokens"):
        run("--model", "all-minilm")


def test_a_failing_engine_is_closed_all_the_same(engine: FakeEngine) -> None:
    engine.failures["prepare"] = InvalidInputError("input 0 is not text")

    with pytest.raises(CommandError, match="input 0 is not text"):
        run("--model", "all-minilm", "a")

    assert engine.drained_s == 0


def test_a_model_that_is_not_downloaded_is_not_there() -> None:
    make_model("far", source="nobody/has-this")

    with pytest.raises(CommandError, match="'far' is not there"):
        run("--model", "far", "a")
