"""Reading what callers ask: nothing is guessed, and nothing unknown is passed over."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embeddings.errors import InvalidRequestError, MalformedBodyError

MAX_QUERY_FIELDS = 200

Fields = type[serializers.Serializer[Any]]


@extend_schema_field(
    {
        "type": "string",
        "description": "A date or a time at a full hour, ISO 8601; UTC unless it says.",
        "examples": ["2026-11-01", "2026-11-01T13:00:00Z"],
    }
)
class HourField(serializers.Field[datetime, str, str, Any]):
    """A date, or a time at a full hour: usage is kept by the hour."""

    def to_internal_value(self, data: str) -> datetime:
        """The moment, in UTC."""
        try:
            # A plus sign that was not escaped arrives as a space.
            moment = datetime.fromisoformat(str(data).strip().replace(" ", "+"))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError(
                "Write a time as 2026-11-01 or 2026-11-01T13:00:00Z."
            ) from error
        if (moment.minute, moment.second, moment.microsecond) != (0, 0, 0):
            raise serializers.ValidationError("Give a full hour of UTC.")
        return moment


def read_query(query: str, fields: Fields) -> dict[str, Any]:
    """A query's fields; lists are repeated, separated by commas, or named `name[]`.

    Raises `InvalidRequestError`, for a field that does not exist too.
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS
        )
    except ValueError as error:
        raise InvalidRequestError("the query has too many fields") from error
    given: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        given[name.removesuffix("[]")].append(value)
    known = fields().fields
    data = {
        name: [part for value in values for part in value.split(",")]
        if isinstance(known.get(name), serializers.ListField)
        else values[-1]
        for name, values in given.items()
    }
    return _validated(data, fields)


def read_body(body: bytes, fields: Fields) -> dict[str, Any]:
    """A JSON body's fields, none for no body at all.

    Raises `MalformedBodyError`, or `InvalidRequestError`, for a field that does not
    exist too.
    """
    try:
        data = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError(
            f"the body is not valid JSON: {error.msg} at byte {error.pos}"
        ) from None
    if not isinstance(data, dict):
        raise MalformedBodyError("the body must be a JSON object")
    return _validated(data, fields)


def _validated(data: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    serializer = fields(data=data)
    if unknown := sorted(set(data) - set(serializer.fields)):
        shown = unknown[0][:100]
        known = ", ".join(serializer.fields) or "none"
        raise InvalidRequestError(
            f"there is no field {shown!r}; there are: {known}", param=shown
        )
    if not serializer.is_valid():
        name, problem = next(iter(serializer.errors.items()))
        is_own = name != "non_field_errors"
        text = _first(problem)
        raise InvalidRequestError(
            f"{name}: {text}" if is_own else text, param=name if is_own else None
        )
    return dict(serializer.validated_data)


def _first(problem: Any) -> str:
    """The first sentence, wherever in lists of lists it is."""
    while isinstance(problem, list | dict):
        problem = next(iter(problem.values() if isinstance(problem, dict) else problem))
    return str(problem)
