"""Celery's entry points of accounts; each is safe to run twice."""

from celery import shared_task
from django.conf import settings

from accounts import partitions, rollups
from accounts.metering import incarnations, upkeep


@shared_task(acks_late=True, ignore_result=True, time_limit=300)
def make_partitions() -> None:
    """Make the ledger's partitions of this and the coming months."""
    partitions.ensure_ahead()


@shared_task(acks_late=True, ignore_result=True, time_limit=300)
def roll_up() -> None:
    """Add what was used lately to the hours."""
    rollups.roll_up()


@shared_task(acks_late=True, ignore_result=True, time_limit=60)
def reap() -> None:
    """Give back what dead processes hold."""
    incarnations.reap()


@shared_task(acks_late=True, ignore_result=True, time_limit=300)
def clear_away() -> None:
    """Delete what metering has no more use for."""
    upkeep.clear_away()


@shared_task(acks_late=True, ignore_result=True, time_limit=300)
def drop_old_months() -> None:
    """Drop the ledger's sealed months that are older than LEDGER_MONTHS."""
    partitions.drop_old(keep_months=settings.LEDGER_MONTHS)
