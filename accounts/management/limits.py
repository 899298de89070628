"""The limits of plans and tenants as options of commands."""

import math
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.models import Plan, Tenant

NONE = "none"
READERS: dict[str, Callable[[str], float]] = {
    "weight": float,
    "max_texts": int,
    "keep_alive_max_s": float,
}


def add_limit_arguments(parser: ArgumentParser) -> None:
    """An option for each limit."""
    parser.add_argument(
        "--weight", metavar="W", help="Share of a busy server beside others' 1.0."
    )
    parser.add_argument("--max-texts", metavar="N", help="Most texts per request.")
    parser.add_argument(
        "--keep-alive",
        dest="keep_alive_max_s",
        metavar="S",
        help="Longest keep_alive, in seconds.",
    )


def set_limits(target: Plan | Tenant, options: Mapping[str, Any]) -> list[str]:
    """Set the limits that are among the options; the names of those set.

    Nothing is saved. `none` takes a limit away.
    """
    given = [name for name in READERS if options[name] is not None]
    for name in given:
        setattr(target, name, _read(options[name], reader=READERS[name]))
    return given


def check(row: Plan | Tenant) -> None:
    """Raise `CommandError` with what is wrong about a row."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error


def limits_of(row: Plan | Tenant) -> dict[str, float | None]:
    """A row's own limits by name."""
    return {name: getattr(row, name) for name in READERS}


def _read(text: str, *, reader: Callable[[str], float]) -> float | None:
    if text == NONE:
        return None
    try:
        number = reader(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CommandError(f"{text!r} is not a limit; give a number, or {NONE}.")
    return number
