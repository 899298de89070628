"""Sums as they are asked for, exact and bounded."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import UsageDelta
from accounts.rollups import roll_up
from embeddings.tenant_api.cursors import write_cursor
from tests.embeddings.tenant_api.asking import DAY, Api, problem_of, record
from tests.factories import make_api_key
from tests.fakes import FakeEngine
from tests.wires import OPENAI

USAGE = "/tenant/v1/usage"
JANUARY = {"from": "2026-01-01", "to": "2026-02-01"}
MODEL = "all-MiniLM-L6-v2"


@pytest.fixture
def key(house):
    return house.acme.api_keys.get()


def rows(api: Api, **query) -> list[dict]:
    return api.get(USAGE, **{**JANUARY, **query})["data"]


def test_everything_is_summed(api, key) -> None:
    record(key)
    roll_up()
    record(key, status=500, tokens=0, texts=0, truncated=0, list_nanos=0)
    UsageDelta.objects.update(refusals=2)

    answer = api.get(USAGE, **JANUARY)

    (row,) = answer.pop("data")
    assert answer == {
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-02-01T00:00:00Z",
        "group_by": [],
        "currency": "usd",
        "next_page": None,
    }
    p50, p95 = row.pop("latency_p50_ms"), row.pop("latency_p95_ms")
    assert 0.9 <= p50 <= p95 <= 0.9 * 2**0.5
    assert row == {
        "requests": 2,
        "failures": 1,
        "replays": 0,
        "refusals": 2,
        "texts": 2,
        "tokens": 7,
        "truncated": 1,
        "list_nanos": 70,
        "list_amount": "0.000000070",
    }


def test_it_is_this_months_unless_asked_otherwise(
    api, client, house, key, engine: FakeEngine
) -> None:
    record(key, occurred_at=timezone.now() - timedelta(days=32))

    OPENAI.post(client, ("two words",), key=house.key)

    (row,) = api.get(USAGE)["data"]
    assert (row["requests"], row["tokens"]) == (1, 4)


def test_others_usage_is_nobodys_business(api, api_of, house, key) -> None:
    record(key)
    record(house.globex.api_keys.get(), tokens=100)

    assert [row["tokens"] for row in rows(api)] == [7]
    assert rows(api, api_key=house.globex.api_keys.get().pk) == []
    assert rows(api_of(house.outsider_key)) == []


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("day", [("2026-01-15",), ("2026-01-16",)]),
        ("hour", [("2026-01-15T00:00:00Z",), ("2026-01-16T00:00:00Z",)]),
        ("model,day", [("b", "2026-01-16"), (MODEL, "2026-01-15")]),
    ],
)
def test_groups_are_named(by, names, api, key) -> None:
    record(key)
    record(key, model="b", occurred_at=DAY + timedelta(days=1))

    found = rows(api, group_by=by)

    got = [tuple(row[name] for name in by.split(",")) for row in found]
    assert sorted(got) == sorted(names)


def test_groups_of_keys_have_their_ids(api, house, key) -> None:
    second = make_api_key(house.acme).api_key
    record(key, tokens=1)
    record(second, tokens=2)

    found = rows(api, group_by=["api_key", "model"])

    assert [(row["api_key"], row["model"], row["tokens"]) for row in found] == [
        (key.pk, MODEL, 1),
        (second.pk, MODEL, 2),
    ]


def test_filters_join(api, house, key) -> None:
    second = make_api_key(house.acme).api_key
    record(key, tokens=1)
    record(key, model="withdrawn", tokens=2)
    record(second, tokens=4)

    def tokens(**query) -> int:
        (row,) = rows(api, **query)
        return row["tokens"]

    assert tokens(model="all-minilm") == tokens(model=MODEL) == 5
    assert tokens(model=["withdrawn", MODEL]) == tokens(model=f"withdrawn,{MODEL}") == 7
    assert tokens(api_key=f"{key.pk},{second.pk}") == 7
    assert tokens(api_key=key.pk, model=MODEL) == 1


@pytest.mark.parametrize(
    ("since", "to", "tokens"),
    [
        ("2026-01-15", "2026-01-15T01:00:00Z", 1),
        ("2026-01-15T01:00:00", "2026-01-16", 2),
        ("2026-01-15T01:00:00 01:00", "2026-01-15T02:00:00+01:00", 1),
    ],
    ids=["first hour", "without it", "another zone, its plus not escaped"],
)
def test_times_are_utc_unless_they_say_more(since, to, tokens, api, key) -> None:
    record(key, tokens=1)
    record(key, tokens=2, occurred_at=DAY + timedelta(hours=1))

    assert [row["tokens"] for row in rows(api, **{"from": since, "to": to})] == [tokens]


@pytest.mark.parametrize("by", ["day,model", "hour,api_key,model", "model", "api_key"])
def test_pages_join_to_the_whole(by, api, house, key) -> None:
    second = make_api_key(house.acme).api_key
    for number in range(6):
        at = DAY + timedelta(hours=7 * number)
        record(second if number % 2 else key, model=f"m{number % 3}", occurred_at=at)

    found, page = [], {}
    while page is not None:
        answer = api.get(USAGE, **JANUARY, group_by=by, limit=1, **page)
        found += answer["data"]
        page = answer["next_page"] and {"page": answer["next_page"]}

    assert found == rows(api, group_by=by)
    assert len(found) > 1


@pytest.mark.parametrize(
    ("query", "param", "sentence"),
    [
        ({"group_by": "week"}, "group_by", "not a valid choice"),
        ({"group_by": "day,hour"}, "group_by", "only one of day and hour"),
        ({"group_by": "day,day"}, "group_by", "once"),
        ({"from": "yesterday"}, "from", "Write a time as"),
        ({"from": "2026-01-01T00:30:00Z"}, "from", "full hour"),
        ({"from": "0001-01-01T00:00:00+10:00"}, "from", "Write a time as"),
        ({"from": "2026-02-01"}, "to", "later"),
        ({"from": "2024-01-01"}, "from", "at most 400 days"),
        ({"from": "2025-12-01", "group_by": "hour"}, "from", "at most 32 days"),
        ({"api_key": "mine"}, "api_key", "valid integer"),
        ({"api_key": str(2**63)}, "api_key", "less than"),
        ({"model": ""}, "model", "blank"),
        ({"model": "a\0b"}, "model", "Null"),
        ({"limit": "0"}, "limit", "greater than"),
        ({"limit": "5001"}, "limit", "less than"),
        ({"page": "x"}, "page", "no cursor"),
        ({"page": "WzFd"}, "page", "no cursor"),
        ({"page": write_cursor([10**18]), "group_by": "day"}, "page", "no such time"),
        ({"modle": "a"}, "modle", "there is no field 'modle'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_told(query, param, sentence, api) -> None:
    problem = problem_of(api.ask("GET", USAGE, **{**JANUARY, **query}), 400)

    assert problem["code"] == "invalid"
    assert problem["param"] == param
    assert sentence in problem["detail"]


def test_too_many_fields_are_refused(api) -> None:
    response = api.ask("GET", USAGE, model=["a"] * 300)

    assert "too many fields" in problem_of(response, 400)["detail"]
