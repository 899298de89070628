"""What the batches do and did, and how large the next may be; starts no threads."""

import threading
from dataclasses import dataclass

#: After running out of memory, the budget grows by a tenth per so many good batches.
REGROW_AFTER = 100
#: Tokens per second that one stream is taken to make before the first batch is timed.
FIRST_SPEED = 1000.0
#: Of what is known of the speed, each second of work makes so much old.
FORGET = 0.1
#: A batch that runs for longer hangs, unless so large a one may take that long.
STALL_S, STALL_TIMES = 120.0, 10.0
#: Seconds that a batch may take where other tenants may come meanwhile: what runs
#: cannot be stopped for them, and what begins with their texts is filled with others'.
QUICK_S = 0.015


@dataclass(slots=True)
class Tally:
    """Counts since the start, and the recent speed; the caller holds the lock."""

    texts: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    batches: int = 0
    failed: int = 0
    mismatched: int = 0
    out_of_memory: int = 0
    _recent_tokens: float = FIRST_SPEED
    _recent_s: float = 1.0

    @property
    def tokens_per_s(self) -> float:
        """The recent speed of one stream, long batches counting for more."""
        return self._recent_tokens / self._recent_s

    @property
    def quick_tokens(self) -> int:
        """What a batch may have that keeps nobody waiting for long."""
        return int(QUICK_S * self.tokens_per_s)

    def patience_s(self, tokens: int) -> float:
        """Seconds after which a batch of so many padded tokens is taken to hang."""
        return max(STALL_S, STALL_TIMES * tokens / self.tokens_per_s)

    def ran(self, *, tokens: int, padded_tokens: int, seconds: float) -> None:
        """A batch ended."""
        self.batches += 1
        self.padded_tokens += padded_tokens
        kept = 1.0 / (1.0 + FORGET * seconds)
        self._recent_tokens = kept * self._recent_tokens + tokens
        self._recent_s = kept * self._recent_s + seconds


class BatchBudget:
    """Padded tokens that a batch may have: less once memory ran out, then growing."""

    def __init__(self, most_tokens: int) -> None:
        self.tokens = most_tokens
        self._most_tokens = most_tokens
        self._good = 0

    def shrink(self, *, longest: int, rows: int) -> None:
        """Half of what found no memory, but always one text."""
        self._good = 0
        self.tokens = max(longest, min(self.tokens, longest * rows) // 2)

    def succeed(self) -> None:
        """A batch found its memory."""
        self._good += 1
        if self.tokens < self._most_tokens and self._good >= REGROW_AFTER:
            self._good = 0
            self.tokens = min(self._most_tokens, self.tokens * 11 // 10 + 1)


class Running:
    """Batches that run, one per thread, and since when; the caller holds the lock."""

    def __init__(self) -> None:
        self._began_at: dict[int, float] = {}
        self._hangs_at: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._began_at)

    def begin(self, now: float, *, patience_s: float) -> None:
        """This thread runs a batch, which hangs when it takes longer than this."""
        thread = threading.get_ident()
        self._began_at[thread] = now
        self._hangs_at[thread] = now + patience_s

    def end(self, now: float) -> float:
        """This thread's batch has ended; the seconds it took."""
        thread = threading.get_ident()
        del self._hangs_at[thread]
        return now - self._began_at.pop(thread)

    def stalled(self, now: float) -> int:
        """How many hang."""
        return sum(now > hangs_at for hangs_at in self._hangs_at.values())
