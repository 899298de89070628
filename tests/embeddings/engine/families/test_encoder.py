"""Vectors against the definition, and against sentence-transformers itself."""

import dataclasses
import json
import random
import shutil
import socket

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from embeddings.engine import Job, Role, Truncate, inspect
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Placement
from embeddings.engine.families.encoder import FAMILY
from embeddings.engine.tokenization import FolderTokenizer
from embeddings.engine.vectors import finish
from tests.embeddings.engine.making import make_row, make_spec
from tests.embeddings.engine.reference import Reference
from tests.tiny_parts import POOLINGS, dump

TOLERANCE = 2e-5
TEXTS = (
    "",
    "mars is the red planet",
    "The quick brown fox jumps over the river bank near Paris.",
    "中文 日本 café",
    "[MASK] what [SEP]",
    "hello",
    "tokens " * 60,
)
GOOD = [*(f"pool-{mode}" for mode in POOLINGS), "pool-cls+mean"]
GOOD += ["minilm", "dense", "prompted", "weighted-prompted", "long", "mpnet", "qwen3"]


@pytest.fixture(scope="module")
def loaded(tiny):
    """A tiny model, its tokenizer, spec and reference."""
    cache = {}

    def load(name, **changes):
        folder = tiny(name)
        spec = make_spec(folder, include_prompt="prompted" not in name, **changes)
        if name not in cache:
            model = FAMILY.load(spec, Placement())
            cache[name] = (model, FolderTokenizer(folder), Reference(folder))
        return spec, *cache[name]

    return load


def load(spec):
    return FAMILY.load(spec, Placement())


def embed(model, rows):
    raw = np.stack(model.embed(rows))
    return finish(raw, dimensions=raw.shape[1], normalize=model.is_normalized)


def rows_of(tokenizer, spec, texts, **job):
    return tokenizer.rows(
        Job(spec=spec, inputs=tuple(texts), truncate=Truncate.END, **job)
    )


@pytest.mark.parametrize("name", GOOD)
def test_vectors_are_those_of_the_definition_in_any_company(loaded, name):
    spec, model, tokenizer, reference = loaded(name)
    prompt = spec.prompts.get("", "")
    expected = np.array(
        [
            reference.vector(text, max_tokens=spec.max_tokens, prompt=prompt)
            for text in TEXTS
        ]
    )
    rows = rows_of(tokenizer, spec, TEXTS)
    order = random.Random(name).sample(range(len(rows)), len(rows))

    alone = np.concatenate([embed(model, [row]) for row in rows])
    together = embed(model, rows)
    shuffled = embed(model, [rows[n] for n in order])

    assert alone == pytest.approx(expected, abs=TOLERANCE)
    assert together == pytest.approx(expected, abs=TOLERANCE)
    assert shuffled == pytest.approx(expected[order], abs=TOLERANCE)


@pytest.mark.parametrize("name", [*GOOD, "truncdim"])
def test_vectors_are_those_of_sentence_transformers(loaded, name):
    spec, model, tokenizer, _ = loaded(name)
    theirs = SentenceTransformer(str(spec.source), device="cpu", truncate_dim=999)
    theirs.max_seq_length = spec.max_tokens

    vectors = embed(model, rows_of(tokenizer, spec, TEXTS))

    assert vectors == pytest.approx(theirs.encode(list(TEXTS)), abs=TOLERANCE)


@pytest.mark.parametrize("name", ["prompted", "weighted-prompted", "qwen3"])
def test_different_prompts_share_a_batch(loaded, name):
    spec, model, tokenizer, reference = loaded(name)
    roles = [Role.QUERY, Role.DOCUMENT, Role.QUERY, Role.NONE]
    texts = ["hello world", "the red planet", "mars", "paris is a city"]
    rows = [
        rows_of(tokenizer, spec, [text], role=role)[0]
        for role, text in zip(roles, texts, strict=True)
    ]
    prompts = [spec.prompts.get(str(role), spec.prompts.get("", "")) for role in roles]
    expected = [
        reference.vector(text, max_tokens=spec.max_tokens, prompt=prompt)
        for text, prompt in zip(texts, prompts, strict=True)
    ]

    assert embed(model, rows) == pytest.approx(np.array(expected), abs=TOLERANCE)


def test_real_model_is_exact(minilm):
    spec = make_spec(minilm)
    model = FAMILY.load(spec, Placement())
    texts = [*TEXTS, "word " * 253, "word " * 254, "word " * 255, "word " * 600]
    reference = Reference(minilm)
    expected = np.array([reference.vector(text, max_tokens=256) for text in texts])
    theirs = SentenceTransformer(str(minilm), device="cpu").encode(texts)

    vectors = embed(model, rows_of(FolderTokenizer(minilm), spec, texts))

    assert vectors == pytest.approx(expected, abs=TOLERANCE)
    assert vectors == pytest.approx(theirs, abs=TOLERANCE)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def _plain(template):
    return template["processors"][0]


def _other_end(template):
    """The special token that another one's place was given to."""
    other = {"id": "<|im_start|>", "ids": [257 + 150], "tokens": ["<|im_start|>"]}
    ending = template["processors"][1]
    ending["single"][1]["SpecialToken"]["id"] = other["id"]
    ending["special_tokens"][other["id"]] = other
    return template


@pytest.mark.parametrize("change", [_plain, _other_end], ids=["none", "other"])
@pytest.mark.parametrize("use", [inspect, lambda folder: load(make_spec(folder))])
def test_causal_model_without_its_end_mark_is_refused(tiny, tmp_path, change, use):
    folder = shutil.copytree(tiny("qwen3"), tmp_path / "model")
    facts = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    facts["post_processor"] = change(facts["post_processor"])
    dump(folder / "tokenizer.json", facts)

    with pytest.raises(ModelUnavailableError, match="no end mark after a text"):
        use(folder)


def test_end_mark_stays_whatever_the_settings_say_of_the_beginning(tiny, tmp_path):
    folder = shutil.copytree(tiny("qwen3"), tmp_path / "model")
    facts = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    dump(folder / "tokenizer_config.json", {**facts, "add_bos_token": False})

    assert (
        inspect(folder).instruction_template == "Instruct: {instruction}\nQuery:{text}"
    )
    (row,) = rows_of(FolderTokenizer(folder), make_spec(folder), ["hello"])
    assert row.ids[-1] == FolderTokenizer(folder).ids_of("pad_token")[0]


def test_bfloat16_is_chosen_on_purpose(loaded, tiny):
    spec, exact, tokenizer, _ = loaded("minilm")
    half = dataclasses.replace(spec, precision="bfloat16")
    rows = rows_of(tokenizer, spec, TEXTS)

    vectors = embed(FAMILY.load(half, Placement()), rows)

    assert vectors.dtype == np.float32
    assert 0 < np.abs(vectors - embed(exact, rows)).max() < 0.1
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_loading_opens_no_connection(tiny, monkeypatch):
    def refuse(*args):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert FAMILY.load(make_spec(tiny("minilm")), Placement())


def test_loading_is_quiet(tiny, capfd):
    spec = make_spec(tiny("minilm"))
    capfd.readouterr()  # Building the folder is not quiet.

    FAMILY.load(spec, Placement())

    assert capfd.readouterr() == ("", "")


def test_memory_is_weights_activations_and_a_margin(minilm):
    spec = make_spec(minilm)

    small, large = (FAMILY.estimate_bytes(spec, batch_tokens=n) for n in (0, 1000))

    assert small == 22_713_728 * 4 * 21 // 20 + (64 << 20)
    assert large - small == 1000 * (8 * 384 + 2 * 1536) * 4


@pytest.mark.parametrize("name", ["mpnet", "instructor"])
def test_memory_of_relative_positions_is_that_of_all_scores(tiny, name):
    spec = make_spec(tiny(name), max_tokens=40)

    small, large = (FAMILY.estimate_bytes(spec, batch_tokens=n) for n in (0, 1000))

    assert large - small == 1000 * ((8 * 32 + 2 * 64) + 2 * 4 * 40) * 4


def test_closed_model_embeds_no_more(tiny):
    model = FAMILY.load(make_spec(tiny("minilm")), Placement())

    model.close()

    with pytest.raises(AttributeError):
        model.embed([make_row(3)])
