"""Reading bodies: whole, bounded, chunked, cut, and drained."""

import io
from typing import Any

import pytest

from embeddings import request_body
from embeddings.errors import BodyTooLargeError, MalformedBodyError

MIB = 2**20


class Stream(io.BytesIO):
    """Hands out no more than `step` bytes at a time, and counts them."""

    def __init__(self, body: bytes, step: int = 1000) -> None:
        super().__init__(body)
        self.step = step
        self.taken = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0
        part = super().read(min(size, self.step))
        self.taken += len(part)
        return part


class Broken:
    """A connection that fails on every read."""

    def read(self, size: int) -> bytes:
        raise TimeoutError(size)


def environ(stream: Any, length: int | str | None = None) -> dict[str, Any]:
    if length is None:
        return {"wsgi.input": stream, "wsgi.input_terminated": True}
    return {"wsgi.input": stream, "CONTENT_LENGTH": str(length)}


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 200_000])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_a_body_is_read_whole(size: int, is_chunked) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]

    got = request_body.read(
        environ(Stream(body), None if is_chunked else size), limit=200_000
    )

    assert got == body


@pytest.mark.parametrize("length", ["", "abc", "-5", "1.5"])
def test_no_usable_length_is_no_body(length: str) -> None:
    assert request_body.read(environ(Stream(b"rest"), length), limit=10) == b""


def test_a_length_beside_chunks_is_believed_as_the_server_does() -> None:
    both = environ(Stream(b"abcd")) | {"CONTENT_LENGTH": "2"}

    assert request_body.read(both, limit=10) == b"ab"


def test_no_more_is_read_than_was_announced() -> None:
    stream = Stream(b"abcdef")

    assert request_body.read(environ(stream, 4), limit=10) == b"abcd"
    assert stream.taken == 4


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_one_byte_too_many_is_refused_after_reading_it_all(is_chunked) -> None:
    stream = Stream(b"x" * 11)
    request = environ(stream, None if is_chunked else 11)

    with pytest.raises(BodyTooLargeError, match="10 bytes"):
        request_body.read(request, limit=10)

    assert stream.taken == 11
    assert request_body.CLOSE_FLAG not in request


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_an_endless_body_is_left_and_the_connection_closed(is_chunked) -> None:
    stream = Stream(b"x" * (20 * MIB), step=MIB)
    request = environ(stream, None if is_chunked else 20 * MIB)

    with pytest.raises(BodyTooLargeError):
        request_body.read(request, limit=10)
    request_body.drain(request)

    assert request[request_body.CLOSE_FLAG] is True
    assert stream.taken <= request_body.DRAIN_BYTES + request_body.CHUNK_BYTES


def test_a_body_that_ends_early_is_malformed_and_closes() -> None:
    request = environ(Stream(b"abc"), 5)

    with pytest.raises(MalformedBodyError, match="ended before"):
        request_body.read(request, limit=10)

    assert request[request_body.CLOSE_FLAG] is True


@pytest.mark.parametrize("length", [5, None], ids=["length", "chunked"])
def test_a_read_that_fails_is_malformed_and_closes(length) -> None:
    request = environ(Broken(), length)

    with pytest.raises(MalformedBodyError, match="could not be read"):
        request_body.read(request, limit=10)

    assert request[request_body.CLOSE_FLAG] is True


@pytest.mark.parametrize("length", [5000, None], ids=["length", "chunked"])
def test_draining_reads_to_the_end_and_can_be_repeated(length) -> None:
    stream = Stream(b"x" * 5000)
    request = environ(stream, length)

    request_body.drain(request)
    request_body.drain(request)

    assert stream.taken == 5000
    assert request_body.CLOSE_FLAG not in request


def test_draining_after_reading_finds_nothing_left() -> None:
    stream = Stream(b"x" * 5000 + b"the next request")
    request = environ(stream, 5000)

    request_body.read(request, limit=9000)
    request_body.drain(request)

    assert stream.taken == 5000


def test_draining_a_broken_connection_never_raises() -> None:
    request = environ(Broken(), 5)

    request_body.drain(request)

    assert request[request_body.CLOSE_FLAG] is True
