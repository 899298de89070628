"""How INSTRUCTOR joins its instruction; its vectors are compared elsewhere."""

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from embeddings.engine import Job, Truncate, inspect
from embeddings.engine.families.instructor import FAMILY
from embeddings.engine.spec import Placement
from embeddings.engine.vectors import finish
from tests.embeddings.engine.making import make_spec
from tests.tiny_parts import dump


@pytest.fixture
def spec(tiny):
    return make_spec(
        tiny("instructor"),
        family="instructor",
        dimensions=24,
        instruction_template="{instruction}{text}",
        include_prompt=False,
    )


def row_of(spec, text, instruction=None, **options):
    job = Job(spec=spec, inputs=(text,), instruction=instruction, **options)
    return FAMILY.tokenizer(spec).rows(job)[0]


@pytest.mark.parametrize(
    ("instruction", "text", "whole"),
    [
        ("represent this: ", " mars is red ", "represent this: mars is red"),
        ("  represent this:", "mars", "represent this:mars"),
        ("represent this: ", "  ", "represent this:"),
        ("", " mars ", "mars"),
        (None, " mars ", "mars"),
    ],
    ids=["both", "no-space", "no-text", "empty", "none"],
)
def test_instruction_and_text_are_stripped_as_the_original_does(
    spec, instruction, text, whole
):
    row = row_of(spec, text, instruction)

    assert row.ids.tolist() == row_of(spec, whole).ids.tolist()


def test_tokens_of_the_stripped_instruction_are_left_out(spec):
    alone = row_of(spec, "represent this:")

    row = row_of(spec, "mars", "represent this: ")

    # The end mark of the instruction alone is no part of it.
    assert row.skip == len(alone.ids) - 1 > 1


def test_instruction_of_one_token_is_pooled(spec):
    assert row_of(spec, "mars", "represent ").skip == 0


def test_start_that_is_cut_is_the_texts(spec):
    row = row_of(
        spec, "mars " * 99, "represent this: ", truncate=Truncate.START, max_tokens=20
    )

    begin = row_of(spec, "represent this:").ids[:-1]
    assert row.ids[: len(begin)].tolist() == begin.tolist()
    assert len(row.ids) == 20


def test_folder_is_instructors_only_if_somebody_says_so(tiny):
    folder = tiny("instructor")

    assert inspect(folder).family == "encoder"
    facts = inspect(folder, family="instructor")
    assert facts.family == "instructor"
    assert not facts.include_prompt
    assert facts.instruction_template == "{instruction}{text}"


def test_no_text_is_longer_than_the_original_reads(tiny, tmp_path):
    source = tiny("instructor")
    for path in source.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(source)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    dump(tmp_path / "sentence_bert_config.json", {"max_seq_length": 4096})

    assert inspect(tmp_path, family="instructor").max_tokens == 512


def test_vectors_are_those_of_sentence_transformers_that_is_told(spec):
    theirs = SentenceTransformer(str(spec.source), device="cpu")
    theirs.set_pooling_include_prompt(False)
    texts, instruction = ["mars is red", "hello"], "represent this text: "
    job = Job(spec=spec, inputs=tuple(texts), instruction=instruction)

    raw = np.stack(
        FAMILY.load(spec, Placement()).embed(FAMILY.tokenizer(spec).rows(job))
    )

    expected = theirs.encode(texts, prompt=instruction)
    found = finish(raw, dimensions=24, normalize=True)
    assert found == pytest.approx(expected, abs=2e-5)
