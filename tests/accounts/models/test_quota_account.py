"""Accounts of quotas; how quotas reach them is in test_quota.py."""

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.metering import books
from accounts.models import QuotaAccount
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_there_is_one_of_a_kind_and_period():
    books.make_accounts([make_tenant().pk], timezone.now())
    account = QuotaAccount.objects.filter(kind="tpd").first()

    account.pk = None
    with pytest.raises(IntegrityError, match="quota_account_unique"):
        account.save()


def test_nothing_is_given_back_twice():
    books.make_accounts([make_tenant().pk], timezone.now())

    with pytest.raises(IntegrityError, match="not_negative"):
        QuotaAccount.objects.update(used=-1)
