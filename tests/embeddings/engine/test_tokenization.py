"""Counting, cutting and refusing texts."""

import random
import time

import numpy as np
import pytest

from embeddings.engine import Job, Role, Truncate
from embeddings.engine.errors import (
    InputTooLongError,
    InvalidInputError,
    ModelUnavailableError,
)
from embeddings.engine.tokenization import FolderTokenizer
from tests.embeddings.engine.making import make_spec, start
from tests.embeddings.engine.reference import Reference
from tests.tiny_tokenizers import WORDS

TEXTS = [
    "",
    " ",
    "Hello, World!",
    "naïve café 中文 日本",
    "[SEP] special [CLS] tokens [PAD]",
    "x" * 101,
    "tabs\tand\nlines\r\n\x00nul",
    "🙂 emoji",
    "the quick brown fox " * 40,
]


@pytest.fixture(scope="module")
def bert(tiny):
    return FolderTokenizer(tiny("minilm"))


@pytest.fixture(scope="module")
def spec(tiny):
    return make_spec(tiny("minilm"))


def ids(tokenizer, spec, text, **job):
    """The one text's token ids."""
    (row,) = tokenizer.rows(Job(spec=spec, inputs=(text,), **job))
    return row.ids.tolist()


def words(count, *, seed=0):
    """So many words, one token each."""
    known = [word for word in WORDS if len(word) > 1 and "_" not in word]
    return " ".join(random.Random(seed).choices(known, k=count))


@pytest.mark.parametrize("name", ["minilm", "qwen3"])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_ids_are_those_of_transformers(tiny, name, text):
    spec = make_spec(tiny(name))
    expected = Reference(tiny(name)).ids(text, max_tokens=spec.max_tokens)

    found = ids(FolderTokenizer(tiny(name)), spec, text, truncate=Truncate.END)

    assert found == expected


def test_tokens_are_found_by_their_names(tiny):
    tokenizer = FolderTokenizer(tiny("qwen3"))

    assert tokenizer.ends_with("eos_token", "pad_token")
    assert not tokenizer.ends_with("eos_token")
    assert tokenizer.ids_of("bos_token") == []
    assert len(tokenizer.ids_of("eos_token", "pad_token")) == 2


@pytest.mark.parametrize("length", [254, 255, 256, 257, 600])
def test_real_model_is_cut_at_its_own_limit(minilm, length):
    spec = make_spec(minilm)
    text = " ".join(["house"] * (length - 2))

    (row,) = FolderTokenizer(minilm).rows(
        Job(spec=spec, inputs=(text,), truncate=Truncate.END)
    )

    assert len(row.ids) == min(length, 256)
    assert row.is_truncated is (length > 256)
    assert row.ids.tolist() == Reference(minilm).ids(text, max_tokens=256)


def test_too_long_names_the_input_and_its_count(bert, spec):
    job = Job(spec=spec, inputs=("fine", words(40)))

    with pytest.raises(InputTooLongError) as caught:
        bert.rows(job)

    assert (caught.value.index, caught.value.tokens, caught.value.limit) == (1, 42, 24)


@pytest.mark.parametrize("count", [22, 23], ids=["at-limit", "one-more"])
def test_limit_counts_the_specials(bert, spec, count):
    (row,) = bert.rows(Job(spec=spec, inputs=(words(count),), truncate=Truncate.END))

    assert (row.ids.shape, row.ids.dtype) == ((24,), np.int64)
    assert row.is_truncated is (count > 22)


def test_both_cuts_keep_the_specials(bert, spec):
    whole = [
        int(i) for i in ids(bert, make_spec(spec.source, max_tokens=60), words(40))
    ]

    end = ids(bert, spec, words(40), truncate=Truncate.END)
    start_ = ids(bert, spec, words(40), truncate=Truncate.START)

    assert end == [*whole[:23], whole[-1]]
    assert start_ == [whole[0], *whole[-23:]]


def test_cutting_the_start_keeps_the_prompt(bert, spec):
    spec = make_spec(spec.source, prompts={"query": "search query "})
    job = {"role": Role.QUERY, "truncate": Truncate.START}

    found = ids(bert, spec, words(40), **job)

    assert found[:3] == ids(bert, spec, "search query", instruction="")[:3]
    assert found[-21:] == ids(bert, spec, words(40), **job, instruction="")[-21:]
    assert len(found) == 24


def test_positions_clamp_what_the_catalog_says(tiny):
    spec = make_spec(tiny("long"), max_tokens=500)

    found = ids(FolderTokenizer(tiny("long")), spec, words(90), truncate=Truncate.END)

    assert len(found) == 64


@pytest.mark.parametrize("name", ["minilm", "qwen3"])
@pytest.mark.parametrize("truncate", [Truncate.END, Truncate.START])
@pytest.mark.parametrize("seed", range(5))
def test_cut_of_a_huge_text_is_the_cut_of_the_whole(tiny, name, truncate, seed):
    spec = make_spec(tiny(name), max_tokens=24)
    tokenizer = FolderTokenizer(tiny(name))
    noise = random.Random(seed)
    text = " ".join(
        noise.choice(["fox,", "12345.6", "naïve", "中文日本", "it's\n\n", "  x"])
        for _ in range(3000)
    )
    whole = make_spec(tiny(name), max_tokens=10**6)
    tokenizer_without_limit = FolderTokenizer(tiny(name))
    tokenizer_without_limit._positions = None
    every = ids(tokenizer_without_limit, whole, text)
    before, after = len(tokenizer._prefix), len(tokenizer._suffix)
    room = 24 - before - after
    content = every[before : len(every) - after]
    kept = content[:room] if truncate is Truncate.END else content[-room:]

    found = ids(tokenizer, spec, text, truncate=truncate)

    assert found == [*tokenizer._prefix, *kept, *tokenizer._suffix]


def test_word_that_the_first_look_halves_is_taken_whole(bert, spec):
    # The word is too long to be known, yet the half that is seen first would be cut up.
    text = f"{'fox'.ljust(16) * 20}{'z' * 200} {'fox ' * 200}"

    found = ids(bert, spec, text, truncate=Truncate.END)

    (fox,) = ids(bert, spec, "fox")[1:-1]
    assert found == [2, *[fox] * 20, 1, fox, 3]


@pytest.mark.parametrize("truncate", Truncate)
@pytest.mark.parametrize("text", ["x" * 10**7, " " * 10**7, "word " * 2 * 10**6])
def test_ten_megabytes_burn_no_seconds(bert, spec, text, truncate):
    began = time.perf_counter()

    try:
        ids(bert, spec, text, truncate=truncate)
        was_cut = True
    except InputTooLongError as error:
        was_cut = error.unit == "tokens"

    assert time.perf_counter() - began < 2
    assert was_cut is (truncate is not Truncate.ERROR and "word" in text)


def test_ids_are_taken_as_content(bert, spec):
    assert ids(bert, spec, (7, 8)) == [2, 7, 8, 3]


@pytest.mark.parametrize("given", [(2, 7, 8, 3), (2, 7, 8), (7, 8, 3), (7, 8)])
def test_specials_are_not_doubled(bert, spec, given):
    assert ids(bert, spec, given) == [2, 7, 8, 3]


def test_ids_of_a_text_give_the_text_back(tiny):
    spec = make_spec(tiny("qwen3"))
    tokenizer = FolderTokenizer(tiny("qwen3"))
    of_text = ids(tokenizer, spec, "hello world")

    assert ids(tokenizer, spec, tuple(of_text)) == of_text


def test_ids_get_the_prompt_and_are_cut(bert, spec):
    spec = make_spec(spec.source, prompts={"": "query "})
    (prompt,) = ids(bert, spec, "query", instruction="")[1:-1]

    found = ids(bert, spec, tuple([7] * 40), truncate=Truncate.END)

    assert found == [2, prompt, *[7] * 21, 3]


@pytest.mark.parametrize("wrong", [-1, 10**6, 2**70])
def test_unknown_ids_are_refused(bert, spec, wrong):
    with pytest.raises(InvalidInputError, match=f"input 1 has the token id {wrong}"):
        bert.rows(Job(spec=spec, inputs=((5,), (5, wrong))))


def test_largest_id_is_known(bert, spec):
    largest = bert._vocabulary - 1

    assert ids(bert, spec, (largest,)) == [2, largest, 3]


@pytest.mark.parametrize("text", ["\ud800", "fine \udfff"], ids=["high", "low"])
def test_half_a_surrogate_pair_is_refused(bert, spec, text):
    with pytest.raises(InvalidInputError, match="input 1 holds half of a surrogate"):
        bert.rows(Job(spec=spec, inputs=("fine", text)))


def test_half_a_surrogate_pair_in_an_instruction_is_refused(bert, spec):
    spec = make_spec(spec.source, instruction_template="{instruction}{text}")

    with pytest.raises(InvalidInputError, match="the instruction holds half"):
        bert.rows(Job(spec=spec, inputs=("a",), instruction="\ud800"))


def test_prompt_that_leaves_no_room_is_refused(bert, spec):
    spec = make_spec(spec.source, instruction_template="{instruction} {text}")

    with pytest.raises(InvalidInputError, match="leaves no room"):
        bert.rows(Job(spec=spec, inputs=("a",), instruction=words(22)))
    with pytest.raises(
        InvalidInputError, match="at most 2 tokens leave no room for a text"
    ):
        bert.rows(Job(spec=spec, inputs=("a",), max_tokens=2))


def test_prompt_counts_and_leaves_the_pooling_when_the_model_says_so(tiny):
    spec = make_spec(tiny("prompted"), include_prompt=False)
    tokenizer = FolderTokenizer(tiny("prompted"))

    (asked,) = tokenizer.rows(Job(spec=spec, inputs=("hello",), role=Role.QUERY))
    (bare,) = tokenizer.rows(Job(spec=spec, inputs=("hello",), instruction=""))

    # [CLS] and the three tokens of "search query:".
    assert (len(asked.ids), asked.skip) == (len(bare.ids) + 3, 4)
    assert bare.skip == 0


def test_empty_list_gives_no_rows(bert, spec):
    assert bert.rows(Job(spec=spec, inputs=())) == ()


def test_threads_with_different_cuts_do_not_disturb_each_other(bert, spec):
    texts = tuple(words(count, seed=count) for count in range(1, 45))
    alone = {
        truncate: [
            row.ids.tolist()
            for row in bert.rows(Job(spec=spec, inputs=texts, truncate=truncate))
        ]
        for truncate in (Truncate.END, Truncate.START)
    }

    def many(truncate):
        job = Job(spec=spec, inputs=texts, truncate=truncate)
        rows = [bert.rows(job) for _ in range(20)]
        return all([row.ids.tolist() for row in run] == alone[truncate] for run in rows)

    running = start(*(lambda t=t: many(t) for t in [*alone] * 8))

    assert [one.join() for one in running] == [True] * 16


@pytest.mark.parametrize("content", [None, "{", "{}"], ids=["none", "cut", "empty"])
def test_folder_without_a_readable_tokenizer_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)

    with pytest.raises(ModelUnavailableError, match="the model's tokenizer"):
        FolderTokenizer(tmp_path)
