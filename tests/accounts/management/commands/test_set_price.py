"""set_price."""

from decimal import Decimal

import pytest
import time_machine

from accounts.models import Price

pytestmark = pytest.mark.django_db
travelled = time_machine.travel("2026-11-21T10:00:00Z", tick=False)


@travelled
def test_price_is_listed_from_now_on(run):
    ended = run("set_price", "mini", "--per-million-tokens", "0.02", "--json")

    price = Price.objects.get()
    assert (price.model, price.per_million_tokens) == ("mini", Decimal("0.02"))
    assert ended.value == {
        "id": price.pk,
        "model": "mini",
        "per_million_tokens": "0.02",
        "per_request": "0",
        "effective_from": "2026-11-21T10:00:00+00:00",
    }


@travelled
def test_price_of_all_others_may_begin_later(run):
    since = ("--from", "2026-12-01T00:00:00Z")

    ended = run("set_price", "--others", "--per-request", "0.001", *since)

    assert ended.out == "Listed a price for every other model from 2026-12-01.\n"


@travelled
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name a model, or say --others."),
        (["mini", "--others"], "Name a model, or say --others."),
        (["mini", "--per-request", "much"], "'much' is not an amount."),
        (["mini", "--per-request", "NaN"], "'NaN' is not an amount."),
        (["mini", "--per-request=-1"], "A price is 0 or more."),
        (["mini", "--from", "2026-11-01T00:00:00Z"], "What is past keeps its price."),
        (
            ["mini", "--from", "2026-12-01T00:00:00"],
            "'2026-12-01T00:00:00' is not a moment; write it as 2026-12-01T00:00Z.",
        ),
    ],
    ids=["none", "both", "word", "nan", "negative", "past", "naive"],
)
def test_what_is_no_price_is_one_sentence(run, arguments, sentence):
    ended = run("set_price", *arguments)

    assert (ended.code, ended.err) == (1, sentence + "\n")
    assert not Price.objects.exists()


@travelled
def test_one_price_at_a_time(run):
    run("set_price", "mini")

    assert run("set_price", "mini").err == "There is a price from that moment on.\n"
