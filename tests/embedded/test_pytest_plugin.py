import os

import pytest
from django.db import connection

from accounts.models import Revision, Tenant


@pytest.mark.django_db
def test_database_of_the_run_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0]) // 10_000

    assert version == int(os.environ.get("TEST_POSTGRES", "18"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_flush_empties_tables_and_keeps_the_revision(turn: int) -> None:
    before = Revision.objects.get().number

    Tenant.objects.create(slug="acme", name="Acme")

    assert Revision.objects.get().number > before
