"""Prove that a month's sums are its ledger's."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from accounts.amounts import in_currency
from accounts.management.base import PlatformCommand
from accounts.months import month_named
from accounts.reconciliation import (
    Reconciliation,
    UnreconciledError,
    reconcile,
    seal,
)


class Command(PlatformCommand):
    """Compares one month's ledger with what was rolled up of it, and may close it."""

    help = "Compare a month's ledger with its sums; fails where they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which month, and whether to close it."""
        parser.add_argument("--month", help="As 2026-11 (default: this month, UTC).")
        parser.add_argument(
            "--seal", action="store_true", help="Close the month where all is exact."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails, after telling the first difference, unless every sum agrees."""
        try:
            found = reconcile(month_named(options["month"]))
        except ValueError as error:
            raise CommandError(str(error)) from error
        except UnreconciledError as error:
            raise CommandError(f"{error}.") from error
        facts = asdict(found) | {"month": f"{found.month:%Y-%m}"}
        is_sealed = found.sealed_digest is not None
        if found.is_exact and options["seal"]:
            try:
                seal(found.month)
            except UnreconciledError as error:
                raise CommandError(f"{error}.") from error
            is_sealed = True
        self.emit(
            facts | {"is_exact": found.is_exact, "is_sealed": is_sealed},
            text=_sentences(found, is_sealed=is_sealed),
        )
        if not found.is_exact:
            raise CommandError(f"{found.month:%Y-%m} does not reconcile.")


def _sentences(found: Reconciliation, *, is_sealed: bool) -> str:
    lines = [
        (
            f"{found.month:%Y-%m}: {found.events:,} events, {found.tokens:,} tokens, "
            f"list price {in_currency(found.list_nanos):,.9f}."
        ),
        f"SHA-256 {found.digest}" + (" (sealed)" if is_sealed else ""),
    ]
    if found.sealed_digest not in (None, found.digest):
        lines.append(f"It was sealed with {found.sealed_digest}: rows have changed.")
    first = found.first_difference
    if first is not None:
        lines.append(
            f"{found.differences:,} sums differ, the first one at "
            f"{first.hour:%Y-%m-%dT%H:%MZ} for tenant {first.tenant_id}, key "
            f"{first.api_key_id}, model {first.model}: the ledger has "
            f"{first.in_ledger}, rolled up are {first.rolled_up}."
        )
    account = found.first_account_difference
    if account is not None:
        whose = f"tenant {account.tenant_id}"
        if account.api_key_id is not None:
            whose += f", key {account.api_key_id}"
        lines.append(
            f"{found.account_differences:,} accounts of quotas differ, the first one "
            f"{account.kind} of {whose} from {account.period_start:%Y-%m-%dT%H:%MZ}: "
            f"it has {account.used:,}, the ledger {account.in_ledger:,}."
        )
    if found.is_exact:
        lines.append("Every sum agrees with the ledger.")
    return "\n".join(lines)
