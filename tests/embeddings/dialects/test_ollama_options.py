"""Ollama's options: their types, and the window that `num_ctx` opens."""

import pytest

from embeddings.dialects.ollama_options import window
from embeddings.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ({}, None),
        ({"num_ctx": None}, None),
        ({"num_ctx": 3}, 3),
        ({"num_ctx": 512}, 512),
        ({"num_ctx": 40960}, 40960),
        ({"num_ctx": 3.9}, 3),
        ({"temperature": 1, "top_k": 2.5, "num_ctx": 16}, 16),
        ({"use_mmap": True, "stop": ["a"], "unheard_of": [{}]}, None),
        ({"stop": [], "num_gpu": None}, None),
    ],
    ids=repr,
)
def test_only_num_ctx_changes_the_window(options, tokens) -> None:
    assert window(options, ("a text",)) == tokens


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"num_ctx": "big"}, 'option "num_ctx" must be of type integer'),
        ({"num_ctx": True}, 'option "num_ctx" must be of type integer'),
        ({"seed": []}, 'option "seed" must be of type integer'),
        ({"temperature": "hot"}, 'option "temperature" must be of type float32'),
        ({"top_p": False}, 'option "top_p" must be of type float32'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "word"}, 'option "stop" must be of type array'),
        ({"stop": ["a", 1]}, 'option "stop" must be of an array of strings'),
    ],
    ids=repr,
)
def test_a_mistyped_option_is_named(options, wanted: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        window(options, ("a text",))

    assert str(caught.value.detail) == wanted


@pytest.mark.parametrize("tokens", [2, 1, 0, -1, -5.5, 1e300 * -1])
def test_a_window_without_room_for_a_token_is_refused(tokens: float) -> None:
    with pytest.raises(InvalidRequestError, match="maximum context length"):
        window({"num_ctx": tokens}, ("a text",))


@pytest.mark.parametrize("inputs", [(), ("",)])
def test_a_window_without_room_is_ignored_where_there_is_no_text(inputs) -> None:
    assert window({"num_ctx": 1}, inputs) is None
