"""Go's durations: the table of Ollama's own tests, and what must never get through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.dialects.go_duration import (
    FOREVER_S,
    LONGEST_S,
    keep_alive_seconds,
    parse_duration,
)
from embeddings.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (42, 42.0),
        (42.5, 42.5),
        (0.5, 0.5),
        (10.0, 10.0),
        (-1, FOREVER_S),
        (-1.0, FOREVER_S),
        (-3.14, FOREVER_S),
        (0, 0.0),
        (0.0, 0.0),
        (-0.0, 0.0),
        ("0", 0.0),
        ("0s", 0.0),
        ("-0s", 0.0),
        ("-0", 0.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("1.s", 1.0),
        (".5s", 0.5),
        ("300ms", 0.3),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("10μs", 1e-5),
        ("7ns", 7e-9),
        ("2h45m30s", 9930.0),
        ("+5m", 300.0),
        ("-1m", FOREVER_S),
        ("-1s", FOREVER_S),
        (1e300, LONGEST_S),
        (2**63, LONGEST_S),
    ],
    ids=repr,
)
def test_keep_alive_means_what_ollama_means(value, seconds) -> None:
    assert keep_alive_seconds(value) == (
        None if seconds is None else pytest.approx(seconds, rel=1e-9)
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("10", 'time: missing unit in duration "10"'),
        ("-1", 'time: missing unit in duration "-1"'),
        ("1h5", 'time: missing unit in duration "1h5"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1w", 'time: unknown unit "w" in duration "1w"'),
        ("1 h", 'time: unknown unit " h" in duration "1 h"'),
        ("1h-30m", 'time: unknown unit "h-" in duration "1h-30m"'),
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        (".", 'time: invalid duration "."'),
        ("+", 'time: invalid duration "+"'),
        ("-", 'time: invalid duration "-"'),
        ("--5m", 'time: invalid duration "--5m"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
        ("\u0665s", 'time: invalid duration "\u0665s"'),
        (True, "Unsupported type: 'bool'"),
        ([], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
    ],
    ids=repr,
)
def test_odd_keep_alive_is_refused_in_go_words(value, message) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        keep_alive_seconds(value)

    assert str(caught.value.detail) == message
    assert caught.value.param == "keep_alive"


@pytest.mark.parametrize("text", ["9" * 5000 + "h", "1" + "x" * 5000, "5" * 5000])
def test_a_long_duration_is_not_repeated_in_full(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_duration(text)

    assert len(str(caught.value.detail)) < 300


@given(st.one_of(st.text(), st.from_regex(r"[+-]?([0-9]{1,3}\.?[a-zµ]{0,2}){1,3}")))
def test_any_text_is_a_duration_or_a_refusal(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except InvalidRequestError:
        return
    assert abs(seconds) <= LONGEST_S
