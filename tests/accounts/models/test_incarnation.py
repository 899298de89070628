"""What a life holds."""

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.metering import books, incarnations
from accounts.models import Incarnation, InFlight, QuotaAccount
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_what_is_held_is_never_below_0():
    books.make_accounts([make_tenant().pk], timezone.now())
    held = {
        "incarnation_id": incarnations.begin(),
        "account": QuotaAccount.objects.first(),
    }

    with pytest.raises(IntegrityError, match="in_flight_not_negative"):
        InFlight.objects.create(**held, amount=-1)


def test_a_life_is_known_by_its_machine_and_process():
    incarnation = Incarnation.objects.get(pk=incarnations.begin())

    host, _, pid = str(incarnation).rpartition(":")
    assert host == incarnation.host
    assert int(pid) == incarnation.pid
