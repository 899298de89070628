"""What OpenAI's usage and costs are asked with, and their shapes.

Source: OpenAI's openapi.yaml and SDK.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from rest_framework import serializers

#: No bucket ends later than what a time can be.
LAST_SECOND = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())


class IdsField(serializers.ListField):
    """Several ids; one that is nobody's finds nothing."""

    child = serializers.CharField(max_length=200)


class BucketQuery(serializers.Serializer[Any]):
    """Which buckets, and what is summed in each."""

    start_time = serializers.IntegerField(
        min_value=0, max_value=LAST_SECOND, help_text="Unix seconds, inclusive."
    )
    end_time = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LAST_SECOND,
        help_text="Unix seconds, exclusive; the present unless given.",
    )
    project_ids = IdsField(required=False, help_text="Slugs of tenants.")
    api_key_ids = IdsField(required=False)
    page = serializers.CharField(required=False, max_length=100)

    #: The most buckets of each width in one answer, and how many there are unasked.
    longest: ClassVar[dict[str, int]]
    default_limit: ClassVar[dict[str, int]]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Bound the number of buckets by their width."""
        width = attrs["bucket_width"]
        limit = attrs.setdefault("limit", self.default_limit[width])
        if limit > self.longest[width]:
            raise serializers.ValidationError(
                {"limit": f"It is at most {self.longest[width]} for {width}."}
            )
        if attrs.get("end_time", LAST_SECOND) <= attrs["start_time"]:
            raise serializers.ValidationError(
                {"end_time": "It must be later than start_time."}
            )
        return attrs


class EmbeddingsQuery(BucketQuery):
    """Which usage, and by what it is grouped."""

    bucket_width = serializers.ChoiceField(
        ["1h", "1d"], default="1d", help_text="Minutes are not kept."
    )
    limit = serializers.IntegerField(
        required=False, min_value=1, help_text="Buckets: 7 (31) of 1d, 24 (168) of 1h."
    )
    user_ids = IdsField(required=False, help_text="No usage is a user's.")
    models = IdsField(required=False)
    group_by = serializers.ListField(
        child=serializers.ChoiceField(["project_id", "user_id", "api_key_id", "model"]),
        default=list,
    )

    default_limit = {"1d": 7, "1h": 24}
    longest = {"1d": 31, "1h": 168}


class CostsQuery(BucketQuery):
    """Which costs, and by what they are grouped."""

    bucket_width = serializers.ChoiceField(["1d"], default="1d")
    limit = serializers.IntegerField(
        required=False, min_value=1, help_text="Buckets: 7 (180)."
    )
    group_by = serializers.ListField(
        child=serializers.ChoiceField(["project_id", "line_item", "api_key_id"]),
        default=list,
    )

    default_limit = {"1d": 7}
    longest = {"1d": 180}


class EmbeddingsResultFields(serializers.Serializer[Any]):
    """The sums of one group; what it is not grouped by is null."""

    object = serializers.CharField()
    input_tokens = serializers.IntegerField()
    num_model_requests = serializers.IntegerField()
    project_id = serializers.CharField(allow_null=True)
    user_id = serializers.CharField(allow_null=True)
    api_key_id = serializers.CharField(allow_null=True)
    model = serializers.CharField(allow_null=True)


class AmountFields(serializers.Serializer[Any]):
    """Money."""

    value = serializers.FloatField()
    currency = serializers.CharField()


class CostsResultFields(serializers.Serializer[Any]):
    """The list price of one group; what it is not grouped by is null."""

    object = serializers.CharField()
    amount = AmountFields()
    line_item = serializers.CharField(allow_null=True, help_text="A model.")
    project_id = serializers.CharField(allow_null=True)
    api_key_id = serializers.CharField(allow_null=True)
    quantity = serializers.FloatField(allow_null=True)
    quantity_unit = serializers.CharField(allow_null=True)


class BucketFields(serializers.Serializer[Any]):
    """An hour or a day."""

    object = serializers.CharField()
    start_time = serializers.IntegerField()
    end_time = serializers.IntegerField()


class EmbeddingsBucketFields(BucketFields):
    """Its usage."""

    results = EmbeddingsResultFields(many=True)


class CostsBucketFields(BucketFields):
    """Its costs."""

    results = CostsResultFields(many=True)


class PageFields(serializers.Serializer[Any]):
    """Several buckets."""

    object = serializers.CharField()
    has_more = serializers.BooleanField()
    next_page = serializers.CharField(allow_null=True)


class EmbeddingsPageFields(PageFields):
    """Usage by the hour or the day."""

    data = EmbeddingsBucketFields(many=True)  # type: ignore[assignment] # just a field's name


class CostsPageFields(PageFields):
    """Costs by the day."""

    data = CostsBucketFields(many=True)  # type: ignore[assignment] # just a field's name
