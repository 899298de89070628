"""Lists of a large ledger are read through its indexes."""

from datetime import UTC, datetime

import pytest

from accounts.management.made_up import Filling, fill
from accounts.models import Tenant, UsageEvent

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 10, 21, tzinfo=UTC)

pytestmark = pytest.mark.django_db

PAGES = {
    "newest": ({}, "occurred_at_event_id_idx"),
    "tenant": ({"tenant": True}, "tenant_id_occurred_at_event_id_idx"),
    "corrections": ({"kind": 3}, "tenant_id_occurred_at_event_id__idx"),
    "failures": (
        {"tenant": True, "status__gte": 500, "status__lt": 600},
        "tenant_id_occurred_at_event_id__idx",
    ),
}


@pytest.mark.parametrize(("filters", "index"), PAGES.values(), ids=PAGES)
def test_a_page_of_the_ledger_is_found_by_an_index(filters, index):
    filling = Filling(rows=20_000, tenants=20, keys=2, start=START, end=END)
    fill(filling, tell=lambda _: None)
    wanted = dict(filters)
    if "tenant" in wanted:
        wanted["tenant"] = Tenant.objects.get(slug="made-up-00015")

    page = UsageEvent.objects.filter(**wanted)[:101]

    plan = page.explain()
    assert f"accounts_usageevent_2026_10_{index}" in plan
    assert "Seq Scan on accounts_usageevent_2026_10" not in plan
