"""The ledger's model and table."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, connection
from django.db.models import Sum

from accounts.metering import Usage, new_event_id
from accounts.models import EventKind, UsageEvent
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db

LEDGER = "accounts_usageevent"


def _write(**fields):
    api_key = fields.pop("api_key", None) or make_api_key().api_key
    moment = fields.pop("occurred_at", datetime(2026, 11, 21, 12, tzinfo=UTC))
    defaults = {
        "event_id": new_event_id(moment),
        "tenant_id": api_key.tenant_id,
        "model": "all-minilm",
        "wire": "chroma",
        "status": 200,
        "texts": 1,
        "tokens": 7,
        "latency_us": 900,
    }
    return UsageEvent.objects.create(
        api_key=api_key, occurred_at=moment, **{**defaults, **fields}
    )


@pytest.fixture(autouse=True)
def month():
    from accounts import partitions  # noqa: PLC0415 - the table must exist

    partitions.ensure_month(datetime(2026, 11, 1, tzinfo=UTC))
    partitions.ensure_month(datetime(2026, 12, 1, tzinfo=UTC))


def test_the_table_has_the_models_columns():
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, LEDGER)

    in_table = {column.name: column.null_ok for column in described}
    in_model = {field.column: field.null for field in UsageEvent._meta.fields}
    assert in_table == in_model


def test_the_table_has_the_models_constraints_and_indexes():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, LEDGER)

    named = UsageEvent._meta.constraints + UsageEvent._meta.indexes
    assert {item.name for item in named} <= set(found)
    keys = [c["columns"] for c in found.values() if c["primary_key"]]
    assert keys == [["event_id", "occurred_at"]]
    foreign = {c["columns"][0] for c in found.values() if c["foreign_key"]}
    assert foreign == {"tenant_id", "api_key_id"}


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"kind": 4}, "usage_event_kind_known"),
        ({"kind": EventKind.CORRECTION}, "usage_event_correction_refers"),
        ({"ref_event": uuid.UUID(int=1)}, "usage_event_correction_refers"),
        ({"tokens": -1}, "usage_event_amounts_not_negative"),
        ({"texts": -1}, "usage_event_amounts_not_negative"),
        ({"truncated": -1}, "usage_event_amounts_not_negative"),
        ({"list_nanos": -1}, "usage_event_amounts_not_negative"),
        ({"kind": EventKind.REPLAY}, "usage_event_replay_is_free"),
        ({"latency_us": -1}, "usage_event_latency_not_negative"),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_is_refused(fields, constraint):
    with pytest.raises(IntegrityError, match=constraint):
        _write(**fields)


def test_a_correction_takes_back():
    event = _write(tokens=7)

    _write(
        api_key=event.api_key,
        kind=EventKind.CORRECTION,
        ref_event=event.event_id,
        texts=-1,
        tokens=-7,
    )

    sums = UsageEvent.objects.aggregate(texts=Sum("texts"), tokens=Sum("tokens"))
    assert sums == {"texts": 0, "tokens": 0}


@pytest.mark.parametrize("table", [LEDGER, f"{LEDGER}_2026_11"], ids=str)
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET tokens = 0", "DELETE FROM {}", "TRUNCATE {}"],
    ids=["update", "delete", "truncate"],
)
def test_nothing_is_changed_however_it_is_addressed(table, statement):
    _write()

    with (
        connection.cursor() as cursor,
        pytest.raises((InternalError, ProgrammingError), match=r"Cannot|append-only"),
    ):
        cursor.execute(statement.format(table))


def test_between_takes_the_start_and_leaves_the_end():
    start, end = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    inside = _write(occurred_at=start)
    _write(occurred_at=end)

    assert list(UsageEvent.objects.between(start, end)) == [inside]


def test_an_event_belongs_to_one_tenant():
    mine, _ = _write(), _write()

    assert list(UsageEvent.objects.for_tenant(mine.tenant)) == [mine]


def test_newest_first_is_read_from_the_index_of_each_month():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = UsageEvent.objects.all()[:10].explain()

    assert "Sort" not in plan
    assert "occurred_at_event_id_idx" in plan


def test_the_model_has_room_for_all_of_a_usage():
    columns = {field.attname for field in UsageEvent._meta.fields}

    assert set(Usage.__slots__) == columns - {"ref_event"}
