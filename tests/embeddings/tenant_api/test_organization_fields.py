"""Bounds on buckets, without a view."""

import pytest

from embeddings.tenant_api.organization_fields import CostsQuery, EmbeddingsQuery


@pytest.mark.parametrize(
    ("fields", "width", "default", "longest"),
    [
        (EmbeddingsQuery, "1d", 7, 31),
        (EmbeddingsQuery, "1h", 24, 168),
        (CostsQuery, "1d", 7, 180),
    ],
)
def test_the_number_of_buckets_is_bounded(fields, width, default, longest) -> None:
    def read(**query):
        read = fields(data={"start_time": 1, "bucket_width": width, **query})
        return read.validated_data["limit"] if read.is_valid() else None

    assert read() == default
    assert read(limit=longest) == longest
    assert read(limit=longest + 1) is None
