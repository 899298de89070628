"""BM25, beside the function of chromadb that it has to agree with."""

import json
import random

import numpy as np
import pytest
from chromadb.utils.embedding_functions import ChromaBm25EmbeddingFunction

from embeddings.catalog.locate import locate
from embeddings.engine import Job, Output, Truncate, inspect
from embeddings.engine.errors import (
    InputTooLongError,
    InvalidInputError,
    ModelUnavailableError,
)
from embeddings.engine.families.bm25 import DIMENSIONS, FAMILY
from embeddings.engine.spec import ModelSpec, Placement
from tests.embeddings.engine.making import make_call, start

TEXTS = [
    "The quick brown fox jumps over the lazy dogs, again and again!",
    "",
    "the and of",
    "Running runners ran; it's we'll don't e-mail foo_bar 3.14 1,000",
    "Ünïcödé Straße ΑΣ İstanbul naïve café CAFÉ",
    "日本語のテキスト と 中文 文本 한국어",
    "x" * 40 + " " + "y" * 41,
    "tabs\tand\nnewlines\u00a0here\u2003too",
    "🙂 emoji and zero\u200bwidth",
    "word " * 700,
]

#: Latin, Greek, Hebrew, Devanagari, kana, Han, full width, marks, blanks, emoji.
SCRIPTS = [
    *[(65, 123), (97, 123), (0xC0, 0x250), (0x370, 0x500), (0x590, 0x700)],
    *[(0x900, 0x980), (0x3040, 0x3100), (0x4E00, 0x4F00), (0xFF00, 0xFFEF)],
    *[(32, 65), (0x2000, 0x2070), (9, 14), (0x1F600, 0x1F650)],
]


@pytest.fixture(scope="module")
def folder():
    return locate("Chroma/BM25")


def make_spec(folder, **changes):
    facts = {
        "name": "Chroma/BM25",
        "source": folder,
        "family": "bm25",
        "outputs": frozenset({Output.SPARSE}),
        "dimensions": DIMENSIONS,
        "max_tokens": 65_536,
    }
    return ModelSpec(**{**facts, **changes})


def rows_of(folder, *texts, **job):
    spec = make_spec(folder)
    made = Job(spec=spec, inputs=texts, output=Output.SPARSE, **job)
    return FAMILY.tokenizer(spec).rows(made)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_vectors_and_labels_are_chromas(folder, text):
    spec = make_spec(folder)
    (expected,) = ChromaBm25EmbeddingFunction(include_tokens=True)([text])

    (vector,) = FAMILY.load(spec, Placement()).embed(rows_of(folder, text))

    assert vector.indices.tolist() == expected.indices
    np.testing.assert_allclose(vector.values, expected.values, rtol=1e-6)
    labels = FAMILY.tokenizer(spec).labels(text, vector.indices.tolist())
    assert list(labels) == (expected.labels or [])


def test_engine_takes_texts_without_any_stem(engine, folder):
    spec = make_spec(folder)
    job = Job(spec=spec, inputs=("", "the", "red mars"), output=Output.SPARSE)

    found = engine.run(engine.prepare(job), make_call()).vectors

    assert [len(vector.indices) for vector in found] == [0, 0, 2]


def made_up(seed):
    """A text of words of many scripts, blanks and marks."""
    chance = random.Random(seed)
    words = (
        "".join(chr(chance.randrange(*chance.choice(SCRIPTS))) for _ in range(length))
        for length in chance.choices(range(1, 46), k=60)
    )
    return chance.choice([" ", "\n", "'", ""]).join(words)


@pytest.mark.parametrize("seed", range(20))
def test_vectors_of_any_script_are_chromas(folder, seed):
    text = made_up(seed)
    (expected,) = ChromaBm25EmbeddingFunction()([text])

    (vector,) = FAMILY.load(make_spec(folder), Placement()).embed(rows_of(folder, text))

    assert vector.indices.tolist() == expected.indices
    np.testing.assert_allclose(vector.values, expected.values, rtol=1e-6)


def test_threads_share_the_stems(folder):
    tokenizer = FAMILY.tokenizer(make_spec(folder))
    texts = [f"running{n} universities{n} foxes" for n in range(200)]

    def rows():
        job = Job(spec=make_spec(folder), inputs=tuple(texts), output=Output.SPARSE)
        return [row.ids.tolist() for row in tokenizer.rows(job)]

    running = start(*[rows] * 8)

    expected = [row.ids.tolist() for row in rows_of(folder, *texts)]
    assert [one.join() for one in running] == [expected] * 8


def test_tokens_are_the_stems(folder):
    rows = rows_of(folder, "The foxes and a fox", "the")

    assert [len(row.ids) for row in rows] == [2, 0]
    assert rows[0].ids[0] == rows[0].ids[1]
    assert {row.output for row in rows} == {Output.SPARSE}


@pytest.mark.parametrize(
    ("truncate", "kept"), [(Truncate.END, "one two"), (Truncate.START, "two three")]
)
def test_long_text_is_cut(folder, truncate, kept):
    (row,) = rows_of(folder, "one two three", truncate=truncate, max_tokens=2)

    (expected,) = rows_of(folder, kept)
    assert row.ids.tolist() == expected.ids.tolist()
    assert row.is_truncated


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("one two three", InputTooLongError),
        ("a" * 501, InputTooLongError),
        ((1, 2), InvalidInputError),
        ("half \ud800", InvalidInputError),
    ],
    ids=["words", "characters", "ids", "surrogate"],
)
def test_what_cannot_be_weighed_is_refused(folder, given, error):
    with pytest.raises(error):
        rows_of(folder, given, max_tokens=2)


def test_shipped_folder_tells_its_facts(folder):
    facts = inspect(folder)

    assert (facts.family, facts.outputs) == ("bm25", frozenset({Output.SPARSE}))
    assert facts.dimensions == DIMENSIONS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"k": 0}, "garbles"),
        ({"b": "much"}, "garbles"),
        ({"language": "klingon"}, "no stemmer for klingon"),
        ({"stop_words": 3}, "garbles"),
        (None, "does not hold an object"),
    ],
    ids=["zero", "word", "language", "stop-words", "list"],
)
def test_bad_settings_are_refused_with_their_reason(folder, tmp_path, changes, reason):
    settings = json.loads((folder / "bm25.json").read_text("utf-8"))
    changed = [] if changes is None else {**settings, **changes}
    (tmp_path / "bm25.json").write_text(json.dumps(changed), "utf-8")

    with pytest.raises(ModelUnavailableError, match=reason):
        inspect(tmp_path)
