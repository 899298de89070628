"""How providers are reached, and what operators learn when one refuses us."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from accounts.encryption import EncryptionError
from embeddings.engine.spec import Endpoint
from embeddings.models import Provider

logger = logging.getLogger(__name__)

#: A process writes no more often than this, however many calls are refused.
EVERY_S = 60.0
#: How long a write may wait for somebody who saves the same row.
LOCK_TIMEOUT = "1s"

#: What a vendor's refusal means to an operator.
REASONS = {
    0: "It cannot be asked as it is set up; the log says why",
    401: "HTTP 401: it does not know the credential",
    402: "HTTP 402: it wants to be paid",
    403: "HTTP 403: the credential may not do this",
}


def endpoint_of(provider: Provider) -> Endpoint:
    """Where the provider answers, its credential in clear; raises EncryptionError."""
    return Endpoint(
        provider_id=provider.pk,
        provider=provider.name,
        backend=provider.kind,
        url=provider.url,
        secret=provider.secret(),
        options=dict(provider.options),
        timeout_s=provider.timeout_s,
        attempts=provider.attempts,
        concurrency=provider.concurrency,
        allowed_hosts=frozenset(provider.allowed_hosts),
    )


def note_trouble(provider_id: int, status: int) -> None:
    """Show operators that a provider refused us with this HTTP status; never raises.

    The status 0 is that of an endpoint that could not even be asked. When trouble
    begins it is logged at ERROR, once for all processes.
    """
    _note(provider_id, f"{REASONS.get(status, f'HTTP {status}: it refused us')}.")


def note_unreadable(provider: Provider, error: EncryptionError) -> None:
    """Show operators that a provider's credential cannot be decrypted; never raises."""
    _note(provider.pk, f"Its credential cannot be read: {error}.")


def clear_trouble(provider_id: int) -> None:
    """Show operators that a provider takes our calls (again); never raises."""
    if not _turns.may_clear(provider_id):
        return
    with _own_transaction(provider_id):
        troubled = Provider.objects.filter(pk=provider_id, trouble_at__isnull=False)
        if troubled.update(trouble="", trouble_at=None):
            logger.info("Provider %s takes calls again.", _name_of(provider_id))


def _note(provider_id: int, trouble: str) -> None:
    if not _turns.may_note(provider_id):
        return
    with _own_transaction(provider_id):
        row = Provider.objects.filter(pk=provider_id)
        columns = {"trouble": trouble, "trouble_at": timezone.now()}
        if row.filter(trouble_at__isnull=True).update(**columns):
            logger.error("Provider %s: %s", _name_of(provider_id), trouble)
        else:
            row.update(**columns)


def _name_of(provider_id: int) -> str:
    return Provider.objects.values_list("name", flat=True).get(pk=provider_id)


class _Turns:
    """Who may write now: each provider's trouble once in EVERY_S, and its end."""

    def __init__(self) -> None:
        self._noted_at: dict[int, float] = {}
        self._cleared_at: dict[int, float] = {}
        self._lock = threading.Lock()

    def may_note(self, provider_id: int) -> bool:
        """Whether it is time to write of trouble; the turn is then taken."""
        with self._lock:
            return self._take(self._noted_at, provider_id)

    def may_clear(self, provider_id: int) -> bool:
        """Whether trouble may have ended that nobody has written off yet."""
        with self._lock:
            noted_at = self._noted_at.get(provider_id, float("-inf"))
            if noted_at >= self._cleared_at.get(provider_id, float("inf")):
                # What this process wrote must not stay because it wrote lately.
                self._cleared_at.pop(provider_id)
            return self._take(self._cleared_at, provider_id)

    def forget(self) -> None:
        """Let everybody begin anew."""
        with self._lock:
            self._noted_at.clear()
            self._cleared_at.clear()

    @staticmethod
    def _take(taken_at: dict[int, float], provider_id: int) -> bool:
        now = time.monotonic()
        if now - taken_at.get(provider_id, float("-inf")) < EVERY_S:
            return False
        taken_at[provider_id] = now
        return True


_turns = _Turns()


@contextmanager
def _own_transaction(provider_id: int) -> Iterator[None]:
    """A short transaction whose failure is logged; gives back the connection."""
    was_closed = connection.connection is None
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            yield
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Trouble of provider %s cannot be noted: %s", provider_id, error)
    finally:
        if was_closed:
            connection.close()
