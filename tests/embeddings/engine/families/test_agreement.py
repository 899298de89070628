"""Every family against its definition, through the engine, in any company."""

import random

import numpy as np
import pytest

from embeddings.engine import Engine, EngineConfig, Job, Output, Truncate, inspect
from embeddings.engine.errors import InvalidInputError
from embeddings.engine.spec import ModelSpec
from tests.embeddings.engine.making import make_call, start
from tests.embeddings.engine.reference import Reference
from tests.embeddings.engine.sparse_reference import (
    BgeM3Reference,
    InstructorReference,
    SpladeReference,
)

TOLERANCE = 2e-5
SPARSE_TOLERANCE = 1e-4
#: Smaller weights may come and go with the last bits.
SMALLEST = 1e-3

TEXT = (
    "mars is often called the red planet because of its reddish appearance "
    "paris is the capital and largest city of france what is it"
)
WORDS = TEXT.split()
INSTRUCTION = "represent this sentence for searching: "
TEXTS = (
    "hello",
    "",
    "The quick brown fox jumps over the river bank near Paris.",
    " spaces around ",
    "中文 日本 café",
    "tokens " * 80,
)

#: The tiny model, the family that its operator names, and the reference.
MODELS = {
    "minilm": ("", Reference),
    "mpnet": ("", Reference),
    "e5": ("", Reference),
    "modernbert": ("", Reference),
    "nomic": ("", Reference),
    "qwen3": ("", Reference),
    "instructor": ("instructor", InstructorReference),
    "bge-m3": ("", BgeM3Reference),
    "splade": ("", SpladeReference),
    "splade-summed": ("", lambda path: SpladeReference(path, sums=True, twice=True)),
    "splade-bare": ("splade", SpladeReference),
    "splade-doc": ("", SpladeReference),
    "splade-query": ("", SpladeReference),
}
SPARSE = [name for name in MODELS if "splade" in name or name == "bge-m3"]
DENSE = [name for name in MODELS if "splade" not in name]


@pytest.fixture(scope="module")
def engine():
    made = Engine(EngineConfig(streams=2, threads=1, runtime="torch"))
    yield made
    made.close(drain_s=5)


@pytest.fixture(scope="module")
def model(tiny):
    """A tiny model's spec and reference, by its name."""
    made = {}

    def find(name):
        if name not in made:
            family, reference = MODELS[name]
            folder = tiny(name)
            facts = inspect(folder, family=family)
            spec = ModelSpec(
                name=name,
                source=folder,
                family=facts.family,
                outputs=facts.outputs,
                dimensions=facts.dimensions,
                max_tokens=facts.max_tokens,
                prompts=facts.prompts,
                instruction_template=facts.instruction_template,
                include_prompt=facts.include_prompt,
                route=facts.route,
            )
            made[name] = spec, reference(folder)
        return made[name]

    return find


def run(engine, spec, texts, **options):
    job = Job(spec=spec, inputs=tuple(texts), truncate=Truncate.END, **options)
    return engine.run(engine.prepare(job), make_call()).vectors


def run_sparse(engine, spec, texts):
    return unfolded(run(engine, spec, texts, output=Output.SPARSE), spec)


def unfolded(found, spec):
    """Sparse vectors as rows (texts, vocabulary)."""
    made = np.zeros((len(found), spec.dimensions if len(spec.outputs) == 1 else 400))
    for line, vector in enumerate(found):
        assert (np.diff(vector.indices) > 0).all()
        assert (vector.values > 0).all()
        made[line, vector.indices] = vector.values
    return made


def expected_weights(reference, spec, texts):
    rows = [reference.weights(text, max_tokens=spec.max_tokens) for text in texts]
    made = np.zeros((len(texts), max(len(row) for row in rows)))
    for line, row in enumerate(rows):
        made[line, : len(row)] = row
    return made


def assert_same_weights(found, expected):
    width = max(found.shape[1], expected.shape[1])
    found, expected = (
        np.pad(made, ((0, 0), (0, width - made.shape[1]))) for made in (found, expected)
    )
    assert found == pytest.approx(expected, abs=SPARSE_TOLERANCE)
    assert ((found > 0) == (expected > 0))[np.maximum(found, expected) > SMALLEST].all()


def shuffled(name):
    return random.Random(name).sample(range(len(TEXTS)), len(TEXTS))


@pytest.mark.parametrize("name", DENSE)
def test_dense_vectors_are_those_of_the_definition(engine, model, name):
    spec, reference = model(name)
    prompt = spec.prompts.get("", "")
    expected = np.array(
        [
            reference.vector(text, max_tokens=spec.max_tokens, prompt=prompt)
            for text in TEXTS
        ]
    )
    order = shuffled(name)

    alone = np.concatenate([run(engine, spec, [text]) for text in TEXTS])
    together = run(engine, spec, TEXTS)
    mixed = run(engine, spec, [TEXTS[n] for n in order])

    assert alone == pytest.approx(expected, abs=TOLERANCE)
    assert together == pytest.approx(expected, abs=TOLERANCE)
    assert mixed == pytest.approx(expected[order], abs=TOLERANCE)


@pytest.mark.parametrize("name", SPARSE)
def test_sparse_vectors_are_those_of_the_definition(engine, model, name):
    spec, reference = model(name)
    expected = expected_weights(reference, spec, TEXTS)
    order = shuffled(name)

    alone = np.concatenate([run_sparse(engine, spec, [text]) for text in TEXTS])
    together = run_sparse(engine, spec, TEXTS)
    mixed = run_sparse(engine, spec, [TEXTS[n] for n in order])

    assert (expected > 0).any()
    assert_same_weights(alone, expected)
    assert_same_weights(together, expected)
    assert_same_weights(mixed, expected[order])


@pytest.mark.parametrize("name", ["qwen3", "instructor"])
def test_instructions_of_two_tenants_share_a_batch(engine, model, name):
    spec, reference = model(name)
    wishes = [INSTRUCTION, "find the planet", "", INSTRUCTION]
    texts = [" hello ", "mars", "the red planet", ""]
    before = {
        wish: spec.instruction_template.partition("{text}")[0].replace(
            "{instruction}", wish
        )
        if wish
        else ""
        for wish in wishes
    }
    expected = [
        reference.vector(text, max_tokens=spec.max_tokens, prompt=before[wish])
        for text, wish in zip(texts, wishes, strict=True)
    ]

    running = start(
        *(
            lambda text=text, wish=wish: run(engine, spec, [text], instruction=wish)
            for text, wish in zip(texts, wishes, strict=True)
        )
    )

    found = np.concatenate([one.join() for one in running])
    assert found == pytest.approx(np.array(expected), abs=TOLERANCE)


def test_instruction_changes_the_vector_and_is_not_pooled(engine, model):
    spec, _ = model("instructor")

    plain = run(engine, spec, ["hello world"])
    steered = run(engine, spec, ["hello world"], instruction=INSTRUCTION)
    job = Job(spec=spec, inputs=("hello world",), instruction=INSTRUCTION)

    assert np.abs(plain - steered).max() > 0.01
    assert engine.prepare(job).rows[0].skip > 1


def digits(name, count):
    """A text of so many tokens without the specials."""
    chosen = random.Random(count).choices("0123", k=count)
    return ("" if name == "qwen3" else " ").join(chosen)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_vectors_are_right_around_the_limit(engine, model, name, more):
    spec, reference = model(name)
    output = Output.SPARSE if name in SPARSE else Output.DENSE
    specials = len(
        engine.prepare(Job(spec=spec, inputs=("",), output=output)).rows[0].ids
    )
    text = digits(name, spec.max_tokens - specials + more)
    job = Job(spec=spec, inputs=(text,), output=output, truncate=Truncate.END)

    prepared = engine.prepare(job)

    assert prepared.truncated == (more > 0,)
    assert prepared.tokens == (spec.max_tokens + min(more, 0),)
    if name in SPARSE:
        expected = expected_weights(reference, spec, [text])
        assert_same_weights(run_sparse(engine, spec, [text]), expected)
    if name in DENSE:
        expected = reference.vector(text, max_tokens=spec.max_tokens)
        assert run(engine, spec, [text])[0] == pytest.approx(expected, abs=TOLERANCE)


def test_dense_and_sparse_wishes_share_a_batch(engine, model):
    spec, reference = model("bge-m3")
    texts = [" ".join(WORDS[n:]) for n in range(8)]
    weights = expected_weights(reference, spec, texts)
    vectors = np.array(
        [reference.vector(text, max_tokens=spec.max_tokens) for text in texts]
    )

    running = start(
        *(lambda text=text: run(engine, spec, [text]) for text in texts),
        *(lambda text=text: run_sparse(engine, spec, [text]) for text in texts),
    )
    found = [one.join() for one in running]

    assert np.concatenate(found[:8]) == pytest.approx(vectors, abs=TOLERANCE)
    assert_same_weights(np.concatenate(found[8:]), weights)


@pytest.mark.parametrize("name", ["splade", "bge-m3"])
def test_labels_are_the_vocabularys_words(engine, model, name):
    spec, reference = model(name)

    (vector,) = run(engine, spec, ["mars is red"], output=Output.SPARSE, labels=True)

    words = reference.tokenizer.convert_ids_to_tokens(vector.indices.tolist())
    assert list(vector.labels) == words


@pytest.mark.parametrize("name", ["minilm", "qwen3", "instructor", "bge-m3", "splade"])
def test_sixteen_threads_with_different_cuts_disturb_nobody(engine, model, name):
    spec, _ = model(name)
    output = Output.SPARSE if name in SPARSE else Output.DENSE
    cuts = [(cut, limit) for cut in (Truncate.END, Truncate.START) for limit in (5, 12)]

    def vectors(cut, limit):
        texts = (" ".join(WORDS * 5),) * 20
        job = Job(
            spec=spec, inputs=texts, truncate=cut, max_tokens=limit, output=output
        )
        found = engine.run(engine.prepare(job), make_call()).vectors
        return unfolded(found, spec) if name in SPARSE else found

    alone = [vectors(*cut) for cut in cuts]
    running = start(*(lambda cut=cut: vectors(*cut) for cut in cuts * 4))

    assert not np.allclose(alone[0], alone[1], atol=0.01)
    for number, one in enumerate(running):
        assert one.join() == pytest.approx(alone[number % 4], abs=SPARSE_TOLERANCE)


@pytest.mark.parametrize(
    ("name", "output"), [("splade", Output.DENSE), ("minilm", Output.SPARSE)]
)
def test_what_a_model_does_not_make_is_refused(engine, model, name, output):
    spec, _ = model(name)

    with pytest.raises(InvalidInputError, match=f"makes no {output} embeddings"):
        engine.prepare(Job(spec=spec, inputs=("hello",), output=output))
