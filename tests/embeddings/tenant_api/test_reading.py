"""Fields as they are read; the views' tests refuse the rest."""

from datetime import UTC, datetime

import pytest
from rest_framework import serializers

from embeddings.errors import InvalidRequestError, MalformedBodyError
from embeddings.tenant_api.reading import HourField, read_body, read_query


class Fields(serializers.Serializer):
    since = HourField(required=False)
    names = serializers.ListField(child=serializers.CharField(), required=False)
    limit = serializers.IntegerField(default=5)


@pytest.mark.parametrize(
    "query",
    ["names=a&names=b", "names[]=a&names[]=b", "names=a,b", "names%5B%5D=a&names=b"],
)
def test_a_list_is_written_in_several_ways(query: str) -> None:
    assert read_query(query, Fields)["names"] == ["a", "b"]


def test_the_last_of_several_wins() -> None:
    assert read_query("limit=1&limit=2", Fields) == {"limit": 2}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T13:00", datetime(2026, 11, 1, 13, tzinfo=UTC)),
        ("2026-11-01T13:00:00Z", datetime(2026, 11, 1, 13, tzinfo=UTC)),
        ("2026-11-01T13:00:00-02:00", datetime(2026, 11, 1, 15, tzinfo=UTC)),
    ],
)
def test_times_are_hours_of_utc(text: str, moment: datetime) -> None:
    assert read_query(f"since={text}", Fields)["since"] == moment


def test_no_body_has_no_fields() -> None:
    assert read_body(b" ", Fields) == {"limit": 5}
    assert read_body(b'{"limit": 2}', Fields) == {"limit": 2}


def test_what_is_unknown_is_not_passed_over() -> None:
    with pytest.raises(InvalidRequestError, match="no field 'nmaes'; there are: since"):
        read_body(b'{"nmaes": []}', Fields)


@pytest.mark.parametrize("body", [b"1", b"[]", b"null", b"{", b'"\xff"'], ids=repr)
def test_a_body_is_an_object(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        read_body(body, Fields)


def test_the_innermost_sentence_is_told() -> None:
    with pytest.raises(InvalidRequestError, match="names: This field may not be"):
        read_query("names=a,,b", Fields)
