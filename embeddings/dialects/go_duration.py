"""Go's durations, as Ollama's keep_alive takes them. Source: Go's time package."""

import math
import re

from embeddings.errors import InvalidRequestError

#: Seconds in each unit.
UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
#: The longest duration Go can hold: 2**63 nanoseconds.
LONGEST_S = 2**63 / 1e9
FOREVER_S = -1.0

_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]*)")
#: As much of a caller's text as an error repeats.
_SHOWN = 80


def parse_duration(text: str) -> float:
    """Seconds of a Go duration such as `1h30m`; raises InvalidRequestError."""
    sign, rest = (text[0], text[1:]) if text[:1] in {"+", "-"} else ("+", text)
    if rest == "0":
        return 0.0
    seconds, position = 0.0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None:
            raise _invalid(text)
        number, unit = part.groups()
        if not unit:
            raise InvalidRequestError(
                f'time: missing unit in duration "{text[:_SHOWN]}"', param="keep_alive"
            )
        if unit not in UNITS:
            raise InvalidRequestError(
                f'time: unknown unit "{unit[:_SHOWN]}" in duration "{text[:_SHOWN]}"',
                param="keep_alive",
            )
        seconds += float(number) * UNITS[unit]
        position = part.end()
    if not rest or not math.isfinite(seconds) or seconds > LONGEST_S:
        raise _invalid(text)
    return -seconds if sign == "-" else seconds


def keep_alive_seconds(value: object) -> float | None:
    """Ollama's keep_alive: None keeps the present setting, negative is for ever.

    Numbers are seconds; strings are Go durations, never bare numbers but "0".
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        kind = {bool: "bool", list: "[]interface {}", dict: "map[string]interface {}"}
        raise InvalidRequestError(
            f"Unsupported type: '{kind.get(type(value), type(value).__name__)}'",
            param="keep_alive",
        )
    seconds = parse_duration(value) if isinstance(value, str) else float(value)
    return FOREVER_S if seconds < 0 else min(seconds, LONGEST_S)


def _invalid(text: str) -> InvalidRequestError:
    return InvalidRequestError(
        f'time: invalid duration "{text[:_SHOWN]}"', param="keep_alive"
    )
