"""Celery's entry points of accounts; each is safe to run twice."""

from celery import shared_task

from accounts import partitions


@shared_task(acks_late=True, ignore_result=True, time_limit=300)
def make_partitions() -> None:
    """Make the ledger's partitions of this and the coming months."""
    partitions.ensure_ahead()
