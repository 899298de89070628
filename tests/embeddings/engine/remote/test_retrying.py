"""When to come back."""

from datetime import UTC, datetime

import pytest
import time_machine

from embeddings.engine.remote.retrying import is_temporary, pause_s, retry_after_s

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GOOGLES = b'{"error": {"details": [{"@type": "x", "retryDelay": "17.5s"}]}}'


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e300"}, 3600),
        ({"retry-after-ms": "9" * 20}, 3600),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
        ({"retry-after": "Fri, 20 Nov 99999 11:00:00 GMT"}, None),
    ],
    ids=str,
)
def test_waits_that_are_asked_for(headers, seconds):
    with time_machine.travel(NOW, tick=False):
        assert retry_after_s(headers) == seconds


def test_googles_wait_is_in_the_body():
    assert retry_after_s({}, GOOGLES) == 17.5
    assert retry_after_s({"retry-after": "2"}, GOOGLES) == 2
    assert retry_after_s({}, b'{"retryDelay": "999999999s"}') == 3600
    assert retry_after_s({}, b'{"retryDelay": "s"}') is None


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {}, True),
        (500, {}, True),
        (529, {}, True),
        (429, {"x-should-retry": "false"}, False),
        (400, {}, False),
        (401, {}, False),
        (409, {"x-should-retry": "true"}, False),
    ],
)
def test_what_may_succeed_later(status, headers, expected):
    assert is_temporary(status, headers) is expected


@pytest.mark.parametrize(("tries", "most"), [(1, 0.5), (2, 1), (3, 2), (9, 8)])
def test_pauses_grow_up_to_a_bound(tries, most):
    assert most / 2 <= pause_s(tries, asked_s=None) <= most


def test_a_wait_that_was_asked_for_is_kept():
    assert pause_s(5, asked_s=0.0) == 0.0
    assert pause_s(1, asked_s=90.0) == 90.0
