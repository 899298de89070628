"""The revision's row and the triggers that bump it."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import ApiKey, Revision, Tenant
from tests.factories import grant, make_api_key, make_model, make_tenant


def _commits() -> None:
    """Let the deferred triggers of the open transaction fire."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _number() -> int:
    _commits()
    return Revision.objects.current()


@pytest.mark.django_db
def test_there_is_one_row_from_the_first_migration_on():
    assert Revision.objects.count() == 1


@pytest.mark.django_db
def test_a_second_row_is_refused():
    with pytest.raises(IntegrityError, match="revision_is_one_row"):
        Revision.objects.create(id=2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(make_tenant, id="tenant created"),
        pytest.param(lambda: Tenant.objects.update(name="other"), id="tenant renamed"),
        pytest.param(ApiKey.objects.revoke, id="key revoked"),
        pytest.param(lambda: ApiKey.objects.all().delete(), id="key deleted"),
        pytest.param(lambda: make_model(aliases=("a",)), id="model with alias"),
        pytest.param(lambda: grant(Tenant.objects.get()), id="grant"),
    ],
)
def test_a_change_bumps_it(change):
    make_api_key()
    before = _number()

    change()

    assert _number() > before


@pytest.mark.django_db
def test_it_is_bumped_when_the_transaction_ends():
    before = _number()

    make_tenant()

    assert Revision.objects.current() == before


@pytest.mark.django_db
def test_the_day_of_last_use_alone_does_not_bump_it():
    api_key = make_api_key().api_key
    before = _number()

    ApiKey.objects.filter(pk=api_key.pk).update(last_used_on=timezone.now().date())

    assert _number() == before


@pytest.mark.django_db
def test_a_revocation_beside_the_day_of_last_use_bumps_it():
    make_api_key()
    before = _number()

    ApiKey.objects.update(last_used_on="2026-01-01", revoked_at=timezone.now())

    assert _number() == before + 1


@pytest.mark.django_db
def test_a_lost_row_comes_back_with_a_number_never_seen():
    before = Revision.objects.current()
    Revision.objects.all().delete()
    assert Revision.objects.current() == -1

    Revision.objects.restore()

    assert Revision.objects.current() > before


@pytest.mark.django_db
def test_restoring_keeps_a_row_that_is_there():
    before = Revision.objects.current()

    Revision.objects.restore()

    assert Revision.objects.current() == before


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_does_not_bump_it():
    before = Revision.objects.current()

    with transaction.atomic():
        make_tenant()
        transaction.set_rollback(True)

    assert Revision.objects.current() == before
