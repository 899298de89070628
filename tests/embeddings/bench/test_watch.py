"""Who else uses the processor."""

import pytest

from embeddings.bench import watch as module
from embeddings.bench.plan import Figure, Kind, Row
from embeddings.bench.watch import TRIES, Watch
from tests.embeddings.bench.making import make_contender


class Machine:
    """Processor times as told: of everything, and of one process each."""

    def __init__(self):
        self.busy = 0.0
        self.used = {1: 0.0, 2: 0.0}

    def busy_s(self):
        return self.busy

    def cpu_s(self, pid):
        return self.used[pid]


class Worker:
    """A contestant that uses a core for a second, beside others that use `foreign`."""

    def __init__(self, machine, pid, kind=Kind.ENGINE, *, foreign=(), resting=0.0):
        self.contender = make_contender(str(pid), kind)
        self.pids = (pid,)
        self.machine = machine
        self.foreign = list(foreign)
        self.resting = resting
        self.turns = 0

    def measure(self, _row):
        self.turns += 1
        others = self.foreign.pop(0) if self.foreign else 0.0
        self.machine.used[self.pids[0]] += 1.0
        self.machine.used[3 - self.pids[0]] += self.resting
        self.machine.busy += 1.0 + self.resting + others
        return {Figure.BULK: float(self.turns)}


@pytest.fixture
def machine(monkeypatch):
    """Time passes by the second, and only while somebody works or looks."""
    found = Machine()
    monkeypatch.setattr(module, "machine", found)
    clock = iter(range(10_000))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(module.time, "process_time", lambda: 0.0)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    return found


def test_what_others_use_is_told_from_what_ours_use(machine):
    one = Worker(machine, 1, foreign=[0.5])
    watch = Watch([one])

    watch.measured(one, Row.BULK)

    assert watch.foreign_cores() == pytest.approx(0.5)
    assert watch.disturbed == 0


def test_those_who_rest_are_watched(machine):
    one, other = Worker(machine, 1, resting=0.1), Worker(machine, 2)
    watch = Watch([one, other])

    watch.measured(one, Row.BULK)

    assert watch.idle_share(other) == pytest.approx(0.1)
    assert watch.idle_share(one) is None
    assert watch.foreign_cores() == pytest.approx(0)


def test_of_servers_nothing_is_known(machine):
    one = Worker(machine, 1, Kind.SERVER, foreign=[3.0])
    watch = Watch([one])

    watch.measured(one, Row.CLIENTS)

    assert watch.foreign_cores() is None


def test_patience_repeats_what_was_disturbed(machine):
    one = Worker(machine, 1, foreign=[2.0, 1.0, 0.0])
    watch = Watch([one], patience_s=1)

    found = watch.measured(one, Row.BULK)

    assert found == {Figure.BULK: 3.0}
    assert watch.disturbed == 0


def test_patience_has_an_end(machine):
    one = Worker(machine, 1, foreign=[2.0] * 10)
    watch = Watch([one], patience_s=1)

    watch.measured(one, Row.BULK)

    assert one.turns == TRIES
    assert watch.disturbed == 1


def test_calm_is_awaited_before_a_turn(machine, monkeypatch):
    one = Worker(machine, 1)
    watch = Watch([one], patience_s=1)
    noise = [9.0, 9.0, 9.0]

    def sleep(_):
        machine.busy += noise.pop() if noise else 0.0

    monkeypatch.setattr(module.time, "sleep", sleep)

    watch.measured(one, Row.BULK)

    assert noise == []
    assert one.turns == 1
