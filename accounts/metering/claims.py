"""Idempotency keys: one charge for each, whoever repeats the request and when."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from accounts.errors import IdempotencyMismatchError, IdempotencyRunningError
from accounts.metering.entries import Ask
from accounts.metering.script import Script

#: A key is known for so long after it was first used.
LIFETIME = timedelta(hours=24)
#: When a request that is still running may be asked for again.
ASK_AGAIN_S = 1.0

# The tenant's accounts are locked before, which keeps everybody else out.
FIND = """
SELECT tenant_id, digest, fingerprint, incarnation_id, is_settled, expires_at
FROM accounts_idempotencykey
WHERE (tenant_id, digest) IN (
    SELECT * FROM unnest(%s::bigint[], %s::bytea[])
) AND expires_at > clock_timestamp()
"""

KEEP = """
INSERT INTO accounts_idempotencykey AS kept
    (tenant_id, digest, fingerprint, incarnation_id, is_settled, expires_at)
SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[], %s::uuid[],
    %s::boolean[], %s::timestamptz[])
ON CONFLICT (tenant_id, digest) DO UPDATE SET fingerprint = excluded.fingerprint,
    incarnation_id = excluded.incarnation_id, is_settled = excluded.is_settled,
    expires_at = excluded.expires_at
"""

FREE = """
DELETE FROM accounts_idempotencykey WHERE (tenant_id, digest) IN (
    SELECT * FROM unnest(%s::bigint[], %s::bytea[])
)
"""

#: Instead of an incarnation: a replay was answered, the bill cannot be taken back.
DELIVERED = UUID(int=0)

Key: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """What is known of a key: which request it names, and how far that got."""

    fingerprint: bytes
    incarnation: UUID
    is_settled: bool
    expires_at: datetime


class Claims:
    """The keys of one round's requests; what is changed here is written by `write`."""

    def __init__(
        self, rows: Iterable[tuple[Any, ...]], *, incarnation: UUID, now: datetime
    ) -> None:
        self._incarnation = incarnation
        self._now = now
        self._known = dict(map(_known, rows))
        self._changed: set[Key] = set()

    @staticmethod
    def find(script: Script, asks: Iterable[Ask]) -> bool:
        """Look up the keys of requests, where there are any; says whether.

        The rows are what claims are made of.
        """
        keys = {key for ask in asks if (key := _key_of(ask)) is not None}
        if keys:
            script.add(FIND, *_key_columns(keys))
        return bool(keys)

    def is_replay(self, ask: Ask) -> bool:
        """Whether a request repeats one that was billed.

        Raises `IdempotencyMismatchError` where the key names another request, and
        `IdempotencyRunningError` while that one runs.
        """
        key = _key_of(ask)
        known = None if key is None else self._known.get(key)
        if known is None or ask.claim is None:
            return False
        if known.fingerprint != ask.claim.fingerprint:
            raise IdempotencyMismatchError
        if not known.is_settled:
            raise IdempotencyRunningError(retry_after_s=ASK_AGAIN_S)
        return True

    def may_repeat(self, ask: Ask) -> bool:
        """Whether what a replay repeats is still billed; that is then for good."""
        key = _key_of(ask)
        known = None if key is None else self._known.get(key)
        if known is None or ask.claim is None or key is None:
            return False
        if not known.is_settled or known.fingerprint != ask.claim.fingerprint:
            return False
        self._known[key] = replace(known, incarnation=DELIVERED)
        self._changed.add(key)
        return True

    def is_delivered(self, ask: Ask) -> bool:
        """Whether a replay has delivered what was billed and withheld at first."""
        key = _key_of(ask)
        known = None if key is None else self._known.get(key)
        return known is not None and known.incarnation == DELIVERED

    def take(self, ask: Ask) -> None:
        """Note that a request runs under its key."""
        self._note(ask, is_settled=False)

    def owns(self, ask: Ask) -> bool:
        """Whether nobody else has begun the request since this process was away."""
        key = _key_of(ask)
        known = None if key is None else self._known.get(key)
        if known is None:
            return True
        return not known.is_settled and known.incarnation == self._incarnation

    def settle(self, ask: Ask) -> None:
        """Note that a request was billed under its key."""
        self._note(ask, is_settled=True)

    def free(self, ask: Ask) -> None:
        """Forget a key whose request was not billed."""
        key = _key_of(ask)
        if key is not None and self._known.pop(key, None) is not None:
            self._changed.add(key)

    def write(self, script: Script) -> None:
        """Write what was changed."""
        kept = [(key, self._known[key]) for key in self._changed if key in self._known]
        freed = [key for key in self._changed if key not in self._known]
        if kept:
            script.add(KEEP, *_columns(kept))
        if freed:
            script.add(FREE, *_key_columns(freed))

    def _note(self, ask: Ask, *, is_settled: bool) -> None:
        key = _key_of(ask)
        if key is None or ask.claim is None:
            return
        known = self._known.get(key)
        self._changed.add(key)
        self._known[key] = KnownKey(
            fingerprint=ask.claim.fingerprint,
            incarnation=self._incarnation,
            is_settled=is_settled,
            expires_at=self._now + LIFETIME if known is None else known.expires_at,
        )


def _key_of(ask: Ask) -> Key | None:
    return None if ask.claim is None else (ask.tenant_id, ask.claim.digest)


def _known(row: tuple[Any, ...]) -> tuple[Key, KnownKey]:
    tenant_id, digest, fingerprint, incarnation, is_settled, expires_at = row
    return (tenant_id, bytes(digest)), KnownKey(
        fingerprint=bytes(fingerprint),
        incarnation=incarnation,
        is_settled=is_settled,
        expires_at=expires_at,
    )


def _key_columns(keys: Iterable[Key]) -> list[list[Any]]:
    pairs = list(keys)
    return [[tenant_id for tenant_id, _ in pairs], [digest for _, digest in pairs]]


def _columns(kept: list[tuple[Key, KnownKey]]) -> list[list[Any]]:
    return [
        *_key_columns(key for key, _ in kept),
        [known.fingerprint for _, known in kept],
        [known.incarnation for _, known in kept],
        [known.is_settled for _, known in kept],
        [known.expires_at for _, known in kept],
    ]
