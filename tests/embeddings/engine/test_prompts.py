"""Which words go around a text."""

import pytest

from embeddings.engine import Job, Role
from embeddings.engine.errors import InvalidInputError
from embeddings.engine.prompts import Prompt, choose_prompt
from tests.embeddings.engine.making import make_spec

FULL = {"query": "q: ", "document": "d: ", "passage": "p: ", "": "x: "}


@pytest.mark.parametrize(
    ("prompts", "role", "before"),
    [
        (FULL, Role.QUERY, "q: "),
        (FULL, Role.DOCUMENT, "d: "),
        ({"corpus": "c: ", "passage": "p: "}, Role.DOCUMENT, "p: "),
        ({"corpus": "c: "}, Role.DOCUMENT, "c: "),
        (FULL, Role.NONE, "x: "),
        ({"": "x: "}, Role.QUERY, "x: "),
        ({"query": "", "": "x: "}, Role.QUERY, ""),
        ({"query": "q: "}, Role.NONE, ""),
        ({}, Role.QUERY, ""),
    ],
    ids=[
        "query",
        "document",
        "passage",
        "corpus",
        "default",
        "default-for-role",
        "empty-prompt-wins",
        "no-default",
        "none",
    ],
)
def test_role_selects_the_prompt(tiny, prompts, role, before):
    spec = make_spec(tiny("minilm"), prompts=prompts)

    assert choose_prompt(Job(spec=spec, inputs=(), role=role)) == Prompt(before=before)


@pytest.mark.parametrize(
    ("template", "instruction", "prompt"),
    [
        ("", "find", Prompt(before="q: ")),
        ("I: {instruction}\nQ:{text}", "find", Prompt(before="I: find\nQ:")),
        ("{instruction}{text}", "{text} ", Prompt(before="{text} ")),
        ("{text} ({instruction})", "find", Prompt(after=" (find)")),
        ("I: {instruction}\nQ:{text}", "", Prompt()),
        ("", "", Prompt()),
    ],
    ids=["ignored", "template", "verbatim", "after", "asked-for-none", "none"],
)
def test_instruction_fills_the_template(tiny, template, instruction, prompt):
    spec = make_spec(tiny("minilm"), prompts=FULL, instruction_template=template)
    job = Job(spec=spec, inputs=(), role=Role.QUERY, instruction=instruction)

    assert choose_prompt(job) == prompt


@pytest.mark.parametrize("instruction", [None, "", "find it"])
def test_a_named_prompt_goes_before_all_others(tiny, instruction):
    prompts = {**FULL, "s2s": "same: "}
    spec = make_spec(tiny("minilm"), prompts=prompts)
    job = Job(
        spec=spec,
        inputs=(),
        role=Role.QUERY,
        prompt_name="s2s",
        instruction=instruction,
    )

    assert choose_prompt(job) == Prompt(before="same: ")


@pytest.mark.parametrize(
    ("prompts", "known"),
    [({"query": "q: ", "corpus": "c: ", "": "x"}, "corpus, query"), ({}, "none")],
    ids=["some", "none"],
)
@pytest.mark.parametrize("name", ["", "Query", "x" * 100])
def test_a_name_that_the_model_has_not_is_refused(tiny, prompts, known, name):
    spec = make_spec(tiny("minilm"), prompts=prompts)

    with pytest.raises(InvalidInputError, match=f"but {known}$") as caught:
        choose_prompt(Job(spec=spec, inputs=(), prompt_name=name))
    assert len(str(caught.value)) < 120
