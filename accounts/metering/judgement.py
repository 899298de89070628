"""Who is let in: arithmetic on locked accounts, without a database."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from accounts.errors import QuotaExceededError, RateLimitedError
from accounts.metering.entries import Ask, Reservation
from accounts.quotas import KINDS, Amounts, Quantity, QuotaKind, Standing

#: When a request that found too many others running may try again.
ASK_AGAIN_S = 1.0


class MissingAccountsError(Exception):
    """A tenant has no accounts for the period of a request yet."""


@dataclass(slots=True, kw_only=True)
class Account:
    """A locked account; `held` is what this process's requests hold of `used`."""

    id: int
    tenant_id: int
    api_key_id: int | None
    kind: QuotaKind
    start: datetime
    end: datetime | None
    cap: int | None
    base: int
    used: int
    held: int

    @property
    def room(self) -> int | None:
        """What can still be used; None: as much as anybody likes."""
        return None if self.cap is None else max(0, self.cap - self.used)

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is in its period."""
        return self.start <= moment and (self.end is None or moment < self.end)

    def standing(self, now: datetime) -> Standing | None:
        """How its quota stands; None without one."""
        if self.cap is None or self.room is None:
            return None
        left = None if self.end is None else max(0.0, (self.end - now).total_seconds())
        return Standing(
            kind=self.kind,
            limit=self.cap - self.base,
            remaining=min(self.room, self.cap - self.base),
            reset_s=left,
            is_of_key=self.api_key_id is not None,
        )


class Judgement:
    """One round's decisions; `accounts` are changed as they fall."""

    def __init__(
        self, accounts: Iterable[Account], *, incarnation: UUID, now: datetime
    ) -> None:
        self.accounts = {account.id: account for account in accounts}
        self._incarnation = incarnation
        self._now = now
        self._by_holder: dict[tuple[int, int | None], list[Account]] = {}
        for account in self.accounts.values():
            holder = (account.tenant_id, account.api_key_id)
            self._by_holder.setdefault(holder, []).append(account)

    def admit(self, ask: Ask) -> Reservation:
        """Take the whole of what is asked from all accounts, or nothing.

        Raises `RateLimitedError`, `QuotaExceededError` or `MissingAccountsError`.
        """
        accounts = self._accounts_of(ask, at=ask.occurred_at)
        if sum(account.api_key_id is None for account in accounts) < len(KINDS):
            raise MissingAccountsError
        amounts = [ask.amounts.of(account.kind.quantity) for account in accounts]
        short = [
            (account, amount)
            for account, amount in zip(accounts, amounts, strict=True)
            if amount and account.room is not None and account.room < amount
        ]
        if short:
            raise self._refusal(short, self._standings(ask))
        for account, amount in zip(accounts, amounts, strict=True):
            account.used += amount
            account.held += amount
        return Reservation(
            ask=ask,
            incarnation=self._incarnation,
            taken=tuple(
                (account.id, account.kind.quantity, amount)
                for account, amount in zip(accounts, amounts, strict=True)
                if amount
            ),
            standings=self._standings(ask),
        )

    def settle(self, reservation: Reservation, used: Amounts) -> tuple[Standing, ...]:
        """Keep what was used, give back the rest; how the tenant's quotas stand then.

        What is held by an incarnation that is no more is taken anew, which raises
        `RateLimitedError` where somebody else has used it meanwhile.
        """
        if reservation.incarnation != self._incarnation:
            reservation = self.admit(replace(reservation.ask, amounts=used))
        for account_id, quantity, amount in reservation.taken:
            account = self.accounts.get(account_id)
            # An account whose period is long over may have been cleared away.
            if account is not None:
                account.used -= amount - used.of(quantity)
                account.held -= amount
        return self._standings(reservation.ask)

    def take_back(self, reservation: Reservation, used: Amounts) -> None:
        """Give back what was kept."""
        for account_id, quantity, _ in reservation.taken:
            account = self.accounts.get(account_id)
            if account is not None:
                account.used -= used.of(quantity)

    def _accounts_of(self, ask: Ask, *, at: datetime) -> list[Account]:
        """The tenant's accounts, and the key's, for the periods of a moment."""
        holders = ((ask.tenant_id, None), (ask.tenant_id, ask.api_key_id))
        return [
            account
            for holder in holders
            for account in self._by_holder.get(holder, ())
            if account.holds(at)
        ]

    def _standings(self, ask: Ask) -> tuple[Standing, ...]:
        """How quotas stand now, which may be another minute than the request's."""
        accounts = self._accounts_of(ask, at=self._now)
        found = (account.standing(self._now) for account in accounts)
        return tuple(standing for standing in found if standing is not None)

    def _refusal(
        self, short: list[tuple[Account, int]], standings: tuple[Standing, ...]
    ) -> RateLimitedError:
        """The refusal by the quota that keeps the request out for longest."""
        account, amount = max(short, key=lambda pair: _severity(pair[0], self._now))
        wait_s = _wait_s(account, self._now)
        error = RateLimitedError if account.kind.is_rate else QuotaExceededError
        return error(
            _message(account, amount, wait_s), retry_after_s=wait_s, standings=standings
        )


def _severity(account: Account, now: datetime) -> tuple[bool, float]:
    wait_s = _wait_s(account, now)
    return not account.kind.is_rate, math.inf if wait_s is None else wait_s


def _wait_s(account: Account, now: datetime) -> float | None:
    """When it has room again; None: not before somebody buys some."""
    if account.kind.quantity is Quantity.CONCURRENT:
        return ASK_AGAIN_S
    if account.end is None:
        return None
    return max(0.0, (account.end - now).total_seconds())


def _message(account: Account, amount: int, wait_s: float | None) -> str:
    kind = account.kind
    whose = "key's" if account.api_key_id is not None else "account's"
    limit = (account.cap or 0) - account.base
    text = (
        f"the {whose} quota of {kind.label.lower()} has no room for this request:"
        f" limit {limit}, left {min(account.room or 0, limit)}, needed {amount}"
    )
    if kind.is_rate and wait_s is not None:
        text += f"; try again in {max(1, math.ceil(wait_s))} s"
    return text
