"""Which model is loaded, closed or drained next."""

import pytest

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.memory import DRAIN_AFTER_S, LOAD_WAIT_S, Memory
from embeddings.engine.resident import STAY_MOST_S
from tests.embeddings.engine.making import FakeModel, make_call


class Desk:
    """A memory of 100 bytes, with a clock by hand and models that load at once."""

    def __init__(self, spec):
        self.now = 0.0
        self.spec = spec
        self.memory = Memory(
            budget_bytes=100, keep_alive_s=300.0, clock=lambda: self.now
        )

    def ask(self, name, size_bytes=40):
        """Somebody waits for a model."""
        resident = self.memory.ask(self.spec(name), size_bytes=size_bytes)
        resident.use(make_call(), now=self.now)
        return resident

    def load(self, name, size_bytes=40, *, load_s=0.0):
        """A model in memory that nobody uses."""
        resident = self.ask(name, size_bytes)
        assert self.memory.next_step().loading is resident
        self.memory.loaded(resident, FakeModel(), load_s=load_s)
        self.leave(resident)
        return resident

    def leave(self, resident):
        resident.uses -= 1
        resident.used_at = self.now

    def close(self):
        """Close what is to be closed; their names."""
        closing = self.memory.next_step().closing
        for resident in closing:
            self.memory.closed(resident)
        return [resident.spec.name for resident in closing]


@pytest.fixture
def desk(spec):
    return Desk(spec)


def test_memory_is_reserved_by_the_step_that_loads(desk):
    resident = desk.ask("a")
    assert desk.memory.used_bytes == 0

    assert desk.memory.next_step().loading is resident

    assert desk.memory.used_bytes == 40
    assert desk.memory.next_step().loading is None


def test_closed_models_count_until_their_end(desk):
    desk.load("a")
    (closing,) = desk.memory.take_idle()

    assert (desk.memory.used_bytes, desk.memory.residents) == (40, {})
    desk.memory.closed(closing)

    assert desk.memory.used_bytes == 0
    assert desk.memory.unloads_total == 1


def test_smaller_load_that_fits_goes_first_but_not_for_ever(desk):
    busy = desk.load("busy", 50)
    busy.uses = 1
    big, small = desk.ask("big", 60), desk.ask("small", 20)
    assert desk.memory.next_step().loading is small
    desk.memory.loaded(small, FakeModel(), load_s=0.0)

    desk.now = DRAIN_AFTER_S
    later = desk.ask("later", 20)
    step = desk.memory.next_step()

    assert step.loading is None
    assert busy.is_draining
    desk.leave(busy)
    assert desk.close() == ["busy"]
    assert desk.memory.next_step().loading is big
    assert not later.ready.is_set()


def test_load_that_finds_no_memory_is_given_up_and_not_remembered(desk):
    busy = desk.load("busy", 90)
    busy.uses = 1
    waiting = desk.ask("a")
    desk.now = DRAIN_AFTER_S
    desk.memory.next_step()
    desk.now = LOAD_WAIT_S

    desk.memory.next_step()

    assert waiting.ready.is_set()
    assert str(waiting.error) == "no memory for a now"
    assert waiting.error.retry_after_s == 5.0
    assert desk.memory.failed.facts() == ()
    assert desk.spec("a").key not in desk.memory.residents


def test_nobody_waits_is_not_remembered(desk):
    desk.leave(desk.ask("a"))

    desk.memory.next_step()

    assert desk.memory.is_empty
    assert desk.memory.failed.facts() == ()


@pytest.mark.parametrize(("load_s", "stay_s"), [(1.0, 4.0), (60.0, STAY_MOST_S)])
def test_models_that_take_turns_stay_in_proportion_to_their_load(desk, load_s, stay_s):
    desk.load("a", 90, load_s=load_s)
    desk.now = stay_s - 0.1
    waiting = desk.ask("b", 90)
    assert desk.close() == []
    assert desk.memory.pause_s() == pytest.approx(0.1)

    desk.now = stay_s

    assert desk.close() == ["a"]
    assert desk.memory.next_step().loading is waiting


def test_keep_alive_of_zero_ends_a_stay(desk):
    resident = desk.load("a", load_s=60.0)
    resident.keep_alive_s = 0

    assert desk.close() == ["a"]


def test_draining_model_is_closed_before_an_idle_one_that_others_use(desk):
    desk.load("idle", 40)
    busy = desk.load("busy", 40)
    busy.uses = 1
    desk.memory.drain(busy)
    desk.leave(busy)
    desk.ask("c", 40)

    assert desk.close() == ["busy"]
    assert desk.memory.next_step().loading is not None


@pytest.mark.parametrize(
    ("is_lasting", "known"), [(True, ["a"]), (False, [])], ids=["lasting", "for-now"]
)
def test_only_lasting_failures_are_remembered(desk, is_lasting, known):
    resident = desk.ask("a")
    desk.memory.next_step()

    error = ModelUnavailableError("no")
    desk.memory.not_loaded(resident, error, is_lasting=is_lasting)

    assert [one.name for one in desk.memory.failed.facts()] == known
    assert resident.ready.is_set()
    assert desk.memory.is_empty


def test_everybody_is_told_at_the_end(desk):
    waiting = [desk.ask(name, 90) for name in "abc"]
    desk.memory.next_step()

    desk.memory.give_up_all("the end")

    assert [str(one.error) for one in waiting[1:]] == ["the end"] * 2
    assert not waiting[0].ready.is_set()


def test_pause_ends_when_time_makes_something_to_do(desk):
    assert desk.memory.pause_s() is None
    desk.load("a")
    assert desk.memory.pause_s() == 300.0
    desk.now = 1.0
    busy = desk.load("b", 60)
    busy.uses = 1
    desk.ask("c", 90)

    assert desk.memory.pause_s() == DRAIN_AFTER_S
    desk.now += DRAIN_AFTER_S
    assert desk.memory.pause_s() == LOAD_WAIT_S - DRAIN_AFTER_S


def test_too_large_a_model_is_refused(desk):
    with pytest.raises(ModelUnavailableError, match="needs 2 MiB of memory"):
        desk.memory.check_size(desk.spec("a"), 2 << 20)
