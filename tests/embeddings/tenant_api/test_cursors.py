"""Cursors come back as they went out, and nothing else comes in."""

import base64

import pytest

from embeddings.errors import InvalidRequestError
from embeddings.tenant_api.cursors import read_cursor, write_cursor


@pytest.mark.parametrize(
    "place", [[], [0], [1, "a/b:c"], ["é" * 200, 2**63 - 1]], ids=lambda v: str(v)[:20]
)
def test_a_place_comes_back(place) -> None:
    text = write_cursor(place)

    assert text.isascii()
    assert "=" not in text
    assert read_cursor(text, kinds=[type(one) for one in place]) == place


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{}",
        b'["1"]',
        b"[true]",
        b"[1.0]",
        b"[1, 2]",
        b"[-1]",
    ],
    ids=repr,
)
def test_what_is_no_place_is_refused(raw: bytes) -> None:
    text = base64.urlsafe_b64encode(raw).decode()

    with pytest.raises(InvalidRequestError, match="no cursor"):
        read_cursor(text, kinds=[int])


@pytest.mark.parametrize("text", ["é", "A", "****", "\0"], ids=repr)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="no cursor"):
        read_cursor(text, kinds=[int])


def test_a_number_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no cursor"):
        read_cursor(write_cursor([2**63]), kinds=[int])


def test_a_text_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no cursor"):
        read_cursor(write_cursor(["a\0"]), kinds=[str])
