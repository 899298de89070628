"""One request's way through metering: admitted before any work, settled after it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from accounts.authentication import Caller
from accounts.metering import Ask, Claim, Reservation, Usage, get_meter
from accounts.models import EventKind
from accounts.pricing import ListPrice
from accounts.quotas import Amounts, Standing
from embeddings import errors, metrics

logger = logging.getLogger(__name__)

_STATUS_OK = 200


@dataclass(slots=True, kw_only=True)
class Metered:
    """A request while it runs; `tokens` are reserved when it is admitted.

    They are billed too, unless it turns out that fewer were used.

    A replay was billed before under the same `claim`, and is not again. `standings` are
    how its tenant's quotas stand, as of the last word from metering.
    """

    event_id: UUID
    caller: Caller
    occurred_at: datetime
    started_ns: int
    model: str
    wire: str
    texts: int
    tokens: int
    truncated: int
    price: ListPrice
    claim: Claim | None = None
    is_replay: bool = field(default=False, init=False)
    standings: tuple[Standing, ...] = field(default=(), init=False)
    is_estimated: bool = field(default=False, init=False)
    _used_tokens: int | None = field(default=None, init=False)

    @property
    def billed_tokens(self) -> int:
        """What a success is billed: what was used, never more than was reserved."""
        if self._used_tokens is None:
            return self.tokens
        return min(self._used_tokens, self.tokens)

    def use(self, tokens: int, *, is_estimated: bool) -> None:
        """Tell what the work used, as somebody else counted it, or estimated it.

        More than was reserved is more than the texts can have: an operator is told.
        """
        self._used_tokens, self.is_estimated = tokens, is_estimated
        excess = tokens - self.tokens
        if excess > 0:
            logger.error("%s: %d tokens beyond the bound", self.model, excess)
            metrics.EXCESS_TOKENS.labels(self.model).inc(excess)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Reserve, let the work be done, and settle; a failure bills nothing.

        Raises what `accounts.metering.Meter` raises, before any work is done or after;
        the errors of `embeddings.errors` leave with the standings.
        """
        reservation = self._admit()
        try:
            yield
        except errors.ApiError as error:
            self._settle(reservation, status=error.status_code)
            error.standings = self.standings
            raise
        except Exception:
            self._settle(reservation, status=errors.InternalError.status_code)
            raise
        except BaseException:
            get_meter().release(reservation)
            raise
        self._settle(reservation, status=_STATUS_OK)

    def _admit(self) -> Reservation:
        amounts = Amounts(
            requests=1,
            tokens=self.tokens,
            nanos=self.price.nanos(tokens=self.tokens),
            concurrent=1,
        )
        reservation = get_meter().admit(
            Ask(
                tenant_id=self.caller.tenant_id,
                api_key_id=self.caller.api_key_id,
                model=self.model,
                amounts=amounts,
                occurred_at=self.occurred_at,
                claim=self.claim,
            )
        )
        self.is_replay = reservation.is_replay
        self.standings = reservation.standings
        return reservation

    def _settle(self, reservation: Reservation, *, status: int) -> None:
        """Commit the usage event; returns when it is durable."""
        usage = Usage(
            event_id=self.event_id,
            occurred_at=self.occurred_at,
            tenant_id=self.caller.tenant_id,
            api_key_id=self.caller.api_key_id,
            model=self.model,
            wire=self.wire,
            status=status,
            kind=EventKind.REPLAY if self.is_replay else EventKind.USAGE,
            texts=self.texts,
            tokens=0,
            latency_us=(time.monotonic_ns() - self.started_ns) // 1000,
        )
        if status == _STATUS_OK:
            usage = replace(usage, truncated=self.truncated)
        if status == _STATUS_OK and not self.is_replay:
            usage = replace(
                usage,
                tokens=self.billed_tokens,
                price_id=self.price.price_id,
                list_nanos=self.price.nanos(tokens=self.billed_tokens),
                is_estimated=self.is_estimated,
            )
        self.standings = get_meter().settle(reservation, usage)
