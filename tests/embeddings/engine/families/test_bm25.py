"""BM25, beside the function of chromadb that it has to agree with."""

import json

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
