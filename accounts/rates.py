"""Rates as settings write them: "20/60" is 20 within 60 seconds. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache

_WRITTEN = re.compile(r"([0-9]{1,9})/([0-9]{1,5})", re.ASCII)
_OFF = ("", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `count` within a window of `seconds`; both are at least 1."""

    count: int
    seconds: int


@lru_cache(maxsize=100)
def rate_of(text: str) -> Rate | None:
    """The rate that is written; None where there is no limit: nothing, or a count of 0.

    Raises ValueError.
    """
    if text.strip() in _OFF:
        return None
    written = _WRITTEN.fullmatch(text.strip())
    if written is None or not int(written[2]):
        raise ValueError(f"{text!r} is not a count, a slash and seconds, such as 20/60")
    count, seconds = map(int, written.groups())
    return Rate(count=count, seconds=seconds) if count else None
