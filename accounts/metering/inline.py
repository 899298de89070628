"""Metering without a thread: for commands, tasks and tests."""

from django.db import DatabaseError, InterfaceError

from accounts.errors import UnavailableError
from accounts.metering import ledger
from accounts.metering.usage import Usage


class InlineMeter:
    """Settles in the caller's own connection, and transaction where one is open."""

    def settle(self, usage: Usage) -> None:
        """Write the event, or raise `UnavailableError`."""
        try:
            ledger.record([usage])
            ledger.note_use([usage.api_key_id], on=usage.occurred_at.date())
        except (DatabaseError, InterfaceError) as error:
            raise UnavailableError from error

    def close(self) -> None:
        """Nothing is ever left to do."""
