"""Who else uses the processor while somebody is measured."""

import time
from collections import defaultdict
from collections.abc import Sequence

from embeddings.bench import machine
from embeddings.bench.plan import Contestant, Figure, Kind, Row

#: Cores that others may keep busy before a figure is no longer ours.
CALM_CORES = 0.25
#: How long is looked, before and after a turn, when nobody of ours works.
LOOK_S = 0.2
#: Turns that were disturbed are repeated so often.
TRIES = 4


class Watch:
    """Looks on while contenders take turns, and has disturbed turns repeated.

    With `patience_s` it waits up to so long before each turn for other programs to
    rest; without, it only tells how busy they were. They can be told from ours while
    one is measured whose processes are all known, or nobody is.
    """

    def __init__(
        self, contestants: Sequence[Contestant], *, patience_s: float = 0.0
    ) -> None:
        self._contestants = contestants
        self._patience_s = patience_s
        self._idle_s: dict[str, float] = defaultdict(float)
        self._rested_s: dict[str, float] = defaultdict(float)
        self._foreign_s = 0.0
        self._watched_s = 0.0
        self.disturbed = 0

    def measured(self, one: Contestant, row: Row) -> dict[Figure, float]:
        """The figures of one row, of a turn without disturbance where there is one."""
        for _ in range(TRIES if self._patience_s else 1):
            self._await_calm()
            found, foreign_cores = self._turn(one, row)
            if not self._patience_s:
                return found
            if max(foreign_cores, self._look()) <= CALM_CORES:
                return found
        self.disturbed += 1
        return found

    def idle_share(self, one: Contestant) -> float | None:
        """The part of one core that it used while others were measured."""
        name = one.contender.name
        if not one.pids or not self._rested_s[name]:
            return None
        return self._idle_s[name] / self._rested_s[name]

    def foreign_cores(self) -> float | None:
        """Cores that programs which take no part kept busy; None where unknown."""
        return self._foreign_s / self._watched_s if self._watched_s else None

    def _turn(self, active: Contestant, row: Row) -> tuple[dict[Figure, float], float]:
        """A turn's figures, and the cores that others used, as far as can be told."""
        before, busy_s = self._used(), machine.busy_s()
        started = time.perf_counter()
        found = active.measure(row)
        seconds = time.perf_counter() - started
        now_busy_s, after = machine.busy_s(), self._used()
        used = {name: after[name] - before[name] for name in after}
        for one in self._contestants:
            if one is not active:
                self._idle_s[one.contender.name] += used[one.contender.name]
                self._rested_s[one.contender.name] += seconds
        is_alone = active.contender.kind in {Kind.ENGINE, Kind.ENCODE, Kind.CEILING}
        if not is_alone or busy_s is None or now_busy_s is None:
            return found, 0.0
        foreign_s = max(0.0, now_busy_s - busy_s - sum(used.values()))
        self._foreign_s += foreign_s
        self._watched_s += seconds
        # The system counts in ticks of 10 ms: a short turn tells nothing.
        return found, foreign_s / seconds if seconds > LOOK_S else 0.0

    def _await_calm(self) -> None:
        ends_at = time.monotonic() + self._patience_s
        while self._patience_s and self._look() > CALM_CORES:
            if time.monotonic() > ends_at:
                return

    def _look(self) -> float:
        """Cores in use while none of ours works."""
        before_s = machine.busy_s()
        time.sleep(LOOK_S)
        after_s = machine.busy_s()
        if before_s is None or after_s is None:
            return 0.0
        return (after_s - before_s) / LOOK_S

    def _used(self) -> dict[str, float]:
        found = {
            one.contender.name: sum(machine.cpu_s(pid) or 0.0 for pid in one.pids)
            for one in self._contestants
        }
        return found | {"": time.process_time()}
