import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.latency import BUCKETS
from accounts.models import UsageHour, UsageSoFar
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db


def make_hour(api_key, **fields):
    return UsageHour.objects.create(
        hour=timezone.now().replace(minute=0, second=0, microsecond=0),
        tenant=api_key.tenant,
        api_key=api_key,
        model="mini",
        latency=[0] * BUCKETS,
        **fields,
    )


def test_hour_has_one_row_per_key_and_model():
    api_key = make_api_key().api_key
    make_hour(api_key)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_hour(api_key)


def test_view_has_the_models_columns():
    make_hour(make_api_key().api_key, tokens=3)

    assert UsageSoFar.objects.get().tokens == 3
    with connection.cursor() as cursor:
        table = connection.introspection.get_table_description(
            cursor, UsageSoFar._meta.db_table
        )
    assert {column.name for column in table} == {
        field.column for field in UsageSoFar._meta.fields
    }
