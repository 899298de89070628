"""usage_report."""

from datetime import UTC, datetime

import pytest

from accounts import rollups
from accounts.metering import Usage, ledger
from accounts.models import UsageHour
from tests.factories import make_api_key, make_tenant

pytestmark = pytest.mark.django_db

NOVEMBER = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def usage():
    """Two tenants' usage around the end of a month."""
    keys = {slug: make_api_key(make_tenant(slug)).api_key for slug in ("acme", "other")}

    def settle(slug, model, tokens, occurred_at):
        event = Usage(
            tenant_id=keys[slug].tenant_id,
            api_key_id=keys[slug].pk,
            model=model,
            wire="chroma",
            status=200,
            texts=2,
            tokens=tokens,
            occurred_at=occurred_at,
            latency_us=1,
        )
        ledger.record([event])

    settle("acme", "small", 1_000_000, NOVEMBER)
    settle("acme", "small", 1, NOVEMBER)
    settle("acme", "large", 5, NOVEMBER)
    settle("acme", "small", 7, DECEMBER)
    settle("other", "small", 9, NOVEMBER)
    return keys


def _tokens(ended, by):
    return {row[by]: row["tokens"] for row in ended.value["rows"]}


@pytest.mark.parametrize(
    ("arguments", "by", "expected"),
    [
        (["--month", "2026-11"], "model", {"small": 1_000_010, "large": 5}),
        (["--month", "2026-12"], "model", {"small": 7}),
        (
            ["--month", "2026-11", "--tenant", "ACME"],
            "model",
            {"small": 1_000_001, "large": 5},
        ),
        (["--month", "2026-11"], "tenant", {"acme": 1_000_006, "other": 9}),
        (["--month", "2026-11"], "day", {"2026-11-30": 1_000_015}),
        (["--month", "2026-11"], "hour", {"2026-11-30T23:00Z": 1_000_015}),
    ],
    ids=["models", "next month", "one tenant", "tenants", "days", "hours"],
)
def test_sums_are_exact(run, usage, arguments, by, expected):
    ended = run("usage_report", *arguments, "--by", by, "--json")

    assert _tokens(ended, by) == expected


def test_sums_by_key(run, usage):
    ended = run("usage_report", "--month", "2026-11", "--by", "key", "--json")

    assert _tokens(ended, "key") == {usage["acme"].pk: 1_000_006, usage["other"].pk: 9}


def test_sums_are_the_same_once_they_are_rolled_up(run, usage):
    before = run("usage_report", "--month", "2026-11", "--json").value

    rollups.roll_up()

    assert run("usage_report", "--month", "2026-11", "--json").value == before


def test_money_and_what_was_refused_are_told(run, usage):
    rollups.roll_up()
    UsageHour.objects.filter(model="large").update(
        refusals=3, failures=1, list_nanos=1_250_000_000_001
    )

    ended = run("usage_report", "--month", "2026-11", "--json")

    assert ended.value["rows"][0] == {
        "model": "large",
        "requests": 1,
        "failures": 1,
        "refusals": 3,
        "texts": 2,
        "tokens": 5,
        "truncated": 0,
        "list_price": "1250.000000001",
    }


def test_as_text_it_is_a_table(run, usage):
    ended = run("usage_report", "--month", "2026-11", "--tenant", "acme")

    assert ended.out.splitlines() == [
        "model  requests  failures  refusals  texts     tokens  truncated  list_price",
        "large         1         0         0      2          5          0        0.00",
        "small         2         0         0      4  1,000,001          0        0.00",
    ]


def test_this_month_may_be_empty(run):
    assert run("usage_report").out == "No usage.\n"


@pytest.mark.parametrize(
    "month", ["2026-13", "november", "2026", "2026-11-02", "", "9999-12"]
)
def test_what_is_no_month_is_one_sentence(run, month):
    ended = run("usage_report", "--month", month)

    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "write it as 2026-11" in ended.err


def test_an_unknown_tenant_is_one_sentence(run):
    ended = run("usage_report", "--tenant", "nobody")

    assert (ended.code, ended.err) == (1, "There is no tenant 'nobody'.\n")
