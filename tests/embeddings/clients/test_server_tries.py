"""When a client asks again, for how long it waits, and what it says in the end."""

import socket

import pytest

from embeddings.clients.server import (
    EmbeddingError,
    NoAnswerError,
    RefusedError,
    WrongAnswerError,
)
from tests.embeddings.clients.conftest import (
    BROKEN,
    DROPPED,
    GOOD,
    KEY,
    Answer,
    embed,
    refusal,
    said,
)

LATER = "Fri, 31 Dec 2100 23:59:59 GMT"
BEFORE = "Fri, 31 Dec 1999 23:59:59 GMT"


@pytest.mark.parametrize("status", [409, 429, 502, 503, 504])
def test_what_may_pass_is_tried_again_when_the_server_says(
    script, clock, status
) -> None:
    script.answers += [
        refusal(status, Retry_After="7"),
        refusal(status, Retry_After="0"),
    ]

    assert embed(script) == [[[5.0, 1.0]]]

    assert clock.waits == [7, 0]
    assert script.texts == [["hello"]] * 3


def test_all_tries_of_a_request_have_one_idempotency_key(script, clock) -> None:
    script.answers += [DROPPED, GOOD]

    embed(script, ["a", "b"], max_texts=1)

    keys = [headers["idempotency-key"] for headers in script.headers]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("answer", [DROPPED, BROKEN], ids=["dropped", "broken"])
def test_a_lost_connection_is_tried_again(script, clock, answer) -> None:
    script.answers += [answer, answer]

    assert embed(script) == [[[5.0, 1.0]]]

    assert clock.waits == [0.5, 1.0]


def test_waits_double_where_the_server_does_not_say(script, clock) -> None:
    script.answers += [refusal(503)] * 9

    with pytest.raises(RefusedError):
        embed(script, max_tries=9, deadline_s=1000.0)

    assert clock.waits == [0.5, 1, 2, 4, 8, 16, 32, 32]


@pytest.mark.parametrize(
    ("retry_after", "is_waited"),
    [(BEFORE, 0.0), ("tomorrow", 0.5), ("-5", 0.5), ("1.5", 0.5), ("", 0.5)],
    ids=["past", "no-date", "negative", "fraction", "empty"],
)
def test_retry_after_may_be_a_date_or_nonsense(
    script, clock, retry_after, is_waited
) -> None:
    script.answers.append(refusal(503, Retry_After=retry_after))

    embed(script)

    assert clock.waits == [is_waited]


@pytest.mark.parametrize(
    "retry_after", ["180", "9" * 400, LATER], ids=["deadline", "huge", "date"]
)
def test_no_wait_goes_beyond_the_deadline(script, clock, retry_after) -> None:
    script.answers.append(refusal(429, Retry_After=retry_after))

    with pytest.raises(RefusedError, match="HTTP 429: no, because of 429") as caught:
        embed(script)

    assert clock.waits == []
    assert caught.value.retry_after_s >= 180
    assert caught.value.may_pass


def test_tries_are_counted(script, clock) -> None:
    script.answers += [refusal(503, Retry_After="1", X_Request_Id="id-7")] * 5

    with pytest.raises(RefusedError, match="HTTP 503: no, because of 503") as caught:
        embed(script)

    assert clock.waits == [1] * 4
    assert (caught.value.status, caught.value.request_id) == (503, "id-7")


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 413, 422, 429, 501])
def test_other_refusals_are_final(script, clock, status) -> None:
    script.answers.append(refusal(status))

    with pytest.raises(RefusedError, match=f"HTTP {status}: no, because") as caught:
        embed(script)

    assert len(script.asked) == 1
    assert not caught.value.may_pass
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Bad\ngateway</html>", "HTTP 400: <html>Bad\ngateway</html>"),
        (b'{"detail": "no"}', 'HTTP 400: {"detail": "no"}'),
        (b'{"error": {"message": "no"}}', 'HTTP 400: {"error": {"message": "no"}}'),
        (b"[]", "HTTP 400: []"),
        (b"", "HTTP 400: Bad Request"),
        (b"x" * 1000, "HTTP 400: " + "x" * 500),
        (b"\xff\xfe", "HTTP 400: \ufffd\ufffd"),
    ],
    ids=["html", "detail", "object", "list", "empty", "long", "binary"],
)
def test_a_foreign_refusal_is_shown_as_it_is(script, body, message) -> None:
    script.answers.append(Answer(status=400, body=body))

    with pytest.raises(RefusedError) as caught:
        embed(script)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "answer",
    [
        said(embeddings=[]),
        said(embeddings=[[1.0]] * 2),
        said(embeddings={"a": 1}),
        said(embeddings=None),
        said(),
        Answer(body=b"[]"),
        Answer(body=b"hello"),
        Answer(body=b""),
        Answer(body=b'{"embeddings": [[1.0'),
    ],
    ids=[
        *("too-few", "too-many", "object", "null", "missing"),
        *("list", "text", "empty", "cut"),
    ],
)
def test_an_answer_that_is_not_one_for_each_text_is_wrong(
    script, clock, answer
) -> None:
    script.answers.append(answer)

    with pytest.raises(WrongAnswerError):
        embed(script)

    assert clock.waits == []


def test_nobody_there_is_tried_again_and_told(script, clock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        script.url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(NoAnswerError, match="refused") as caught:
            embed(script, max_tries=3)

    assert clock.waits == [0.5, 1.0]
    assert isinstance(caught.value, EmbeddingError)


def test_silence_ends_with_the_timeout(script) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        script.url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(NoAnswerError, match="timed out") as caught:
            embed(script, max_tries=1, timeout_s=0.05)

    assert caught.value.may_pass


def test_what_cannot_be_decoded_is_told_at_once(script, clock) -> None:
    packed = {"Content-Encoding": "gzip"}
    script.answers.append(Answer(body=b"not packed", headers=packed))

    with pytest.raises(NoAnswerError):
        embed(script)

    assert clock.waits == []
