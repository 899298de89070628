"""What is said beside the vectors: texts that were cut, instructions not used."""

import orjson
import pytest
from django.test import Client

from embeddings.catalog.instructions import seed_tasks
from embeddings.engine.spec import Truncate
from tests.fakes import FakeEngine
from tests.wires import CHROMA, OLLAMA, OPENAI


@pytest.mark.parametrize(
    ("policy", "asked", "expected"),
    [
        ("", None, 200),
        ("", False, 400),
        ("error", None, 400),
        ("error", True, 200),
        ("end", False, 400),
    ],
)
def test_the_callers_wish_then_the_policy_then_the_wire_cuts(
    policy: str, asked, expected: int, client: Client, house, engine: FakeEngine
) -> None:
    house.model.over_length = policy
    house.model.save()
    raw = orjson.dumps({"model": "all-minilm", "input": "a " * 300, "truncate": asked})

    response = OLLAMA.post(client, key=house.key, raw=raw)

    assert response.status_code == expected
    assert response.get("x-truncated-texts") == ("1" if expected == 200 else None)


def test_the_policy_beats_the_wire_both_ways(client: Client, house, engine) -> None:
    long = ["a " * 300, "short"]

    assert CHROMA.post(client, long, key=house.key)["x-truncated-texts"] == "1"
    OPENAI.error_of(OPENAI.post(client, long, key=house.key), 400)
    house.model.over_length = Truncate.ERROR.value
    house.model.save()
    CHROMA.error_of(CHROMA.post(client, long, key=house.key), 413)
    house.model.over_length = Truncate.END.value
    house.model.save()
    assert OPENAI.post(client, long, key=house.key).status_code == 200


def test_an_instruction_that_is_not_used_is_said(client: Client, house, engine) -> None:
    raw = orjson.dumps({"texts": ["a"], "instructions": "find code"})

    ignored = CHROMA.post(client, key=house.key, raw=raw)
    house.model.instruction_template = "{instruction}: {text}"
    house.model.save()
    used = CHROMA.post(client, key=house.key, raw=raw)

    assert ignored["x-instruction-ignored"] == "1"
    assert "x-instruction-ignored" not in used
    assert engine.jobs[1].instruction == "find code"
    assert "x-instruction-ignored" not in CHROMA.post(client, key=house.key)


def test_a_task_names_its_instruction(client: Client, house, engine) -> None:
    seed_tasks()
    for target, start in [("query", "Given a question"), ("documents", "")]:
        raw = orjson.dumps({"texts": ["a"], "task": "nl_to_code", "target": target})

        assert CHROMA.post(client, key=house.key, raw=raw).status_code == 200
        assert (engine.jobs[-1].instruction or "").startswith(start)
    raw = orjson.dumps({"texts": ["a"], "task": "other", "target": "query"})
    response = CHROMA.post(client, key=house.key, raw=raw)
    assert "nl_to_code" in CHROMA.error_of(response, 400)
