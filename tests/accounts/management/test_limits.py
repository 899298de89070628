"""Limits as options of commands."""

from argparse import ArgumentParser

import pytest
from django.core.management.base import CommandError

from accounts.management.limits import (
    add_limit_arguments,
    check,
    limits_of,
    set_limits,
)
from accounts.models import Plan


def options(*arguments):
    parser = ArgumentParser()
    add_limit_arguments(parser)
    return vars(parser.parse_args(arguments))


def test_only_what_is_given_is_set():
    plan = Plan(name="free", weight=3, max_texts=4, keep_alive_max_s=5)

    given = set_limits(plan, options("--weight", "0.5", "--keep-alive", "none"))

    assert given == ["weight", "keep_alive_max_s"]
    assert limits_of(plan) == {"weight": 0.5, "max_texts": 4, "keep_alive_max_s": None}


@pytest.mark.parametrize("text", ["nan", "inf", "much", ""])
def test_what_is_no_number_is_one_sentence(text):
    with pytest.raises(CommandError, match="is not a limit"):
        set_limits(Plan(), options("--weight", text))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--weight", "1000"], "A weight is between 0.01 and 100."),
        (["--max-texts=-1"], "A number of texts is 0 or more."),
        (["--keep-alive=-1"], "Seconds are 0 or more."),
    ],
)
def test_what_is_out_of_range_is_one_sentence(arguments, sentence):
    plan = Plan(name="free")
    set_limits(plan, options(*arguments))

    with pytest.raises(CommandError) as refused:
        check(plan)

    assert str(refused.value) == sentence
