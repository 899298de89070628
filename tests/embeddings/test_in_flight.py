"""Places among the requests that are served, shared between tenants."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from embeddings.errors import ClientGoneError, TenantBusyError
from embeddings.in_flight import AT_END, InFlight, Place, get_in_flight

PATIENCE_S = 20.0


class Asking:
    """A request that asks for a place in a thread of its own."""

    def __init__(self, ask: Callable[[], Place]) -> None:
        self.result: Place | Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(ask,), daemon=True)
        self._thread.start()

    def _run(self, ask: Callable[[], Place]) -> None:
        try:
            self.result = ask()
        except (TenantBusyError, ClientGoneError) as error:
            self.result = error

    def join(self) -> Place | Exception | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.result


class Hall:
    """Ten places, and everybody who is there or waits."""

    def __init__(self) -> None:
        self.in_flight = InFlight(places=10)

    def enter(self, tenant: str, *, wait_s: float = 0.0, **facts: object) -> Place:
        return self.in_flight.enter(tenant, wait_s=wait_s, **facts)  # type: ignore[arg-type]

    def fill(self, tenant: str, **facts: object) -> list[Place]:
        """As many places as the tenant gets at once."""
        places = []
        while True:
            try:
                places.append(self.enter(tenant, **facts))
            except TenantBusyError:
                return places

    def wait(self, tenant: str, **facts: object) -> Asking:
        """A request that waits for a place."""
        before = self.waiting(tenant)
        asking = Asking(lambda: self.enter(tenant, wait_s=PATIENCE_S, **facts))
        until(lambda: self.waiting(tenant) == before + 1)
        return asking

    def dismiss(self, tenant: str) -> None:
        """Send away who still waits."""
        waiters = self.in_flight._lines[tenant].waiters
        while waiters:
            waiters.pop().called.set()

    def waiting(self, tenant: str) -> int:
        line = self.in_flight._lines.get(tenant)
        return len(line.waiters) if line else 0


def until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at
        threading.Event().wait(0.001)


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    assert all(line.served or line.waiters for line in made.in_flight._lines.values())


def test_lone_tenant_gets_all_places(hall: Hall) -> None:
    assert len(hall.fill("a")) == 10


def test_refusal_says_when_to_come_again(hall: Hall) -> None:
    hall.fill("a")

    with pytest.raises(TenantBusyError) as caught:
        hall.enter("a")

    assert (caught.value.status_code, caught.value.retry_after_s) == (429, 1.0)


def test_places_are_shared_among_those_who_are_here(hall: Hall) -> None:
    hall.enter("other")

    assert len(hall.fill("a")) == 5


def test_shares_follow_the_weights(hall: Hall) -> None:
    hall.enter("small", weight=1.0)

    assert len(hall.fill("large", weight=4.0)) == 8


def test_nobodys_share_is_less_than_two(hall: Hall) -> None:
    for number in range(20):
        hall.enter(str(number))

    assert len(hall.fill("a")) == 2


def test_newcomer_finds_its_share_among_one_who_had_all(hall: Hall) -> None:
    hall.fill("flood")

    assert len(hall.fill("newcomer")) == 5
    with pytest.raises(TenantBusyError):
        hall.enter("flood")


def test_who_leaves_makes_room(hall: Hall) -> None:
    places = hall.fill("a")
    places[0].leave()

    hall.enter("a")

    with pytest.raises(TenantBusyError):
        hall.enter("a")


def test_leaving_twice_counts_once(hall: Hall) -> None:
    places = hall.fill("a")
    places[0].leave()
    places[0].leave()

    assert len(hall.fill("a")) == 1


def test_tenants_without_requests_are_forgotten(hall: Hall) -> None:
    for place in hall.fill("a"):
        place.leave()

    assert hall.in_flight._lines == {}


def test_who_waits_is_called_in_turn(hall: Hall) -> None:
    places = hall.fill("a")
    first, second = hall.wait("a"), hall.wait("a")

    places[0].leave()

    assert isinstance(first.join(), Place)
    assert hall.waiting("a") == 1
    places[1].leave()
    assert isinstance(second.join(), Place)


def test_twice_as_many_may_wait_as_are_served(hall: Hall) -> None:
    places = hall.fill("a")
    waiting = [hall.wait("a") for _ in range(20)]

    with pytest.raises(TenantBusyError):
        hall.enter("a", wait_s=PATIENCE_S)

    for place in places:
        place.leave()
    assert all(isinstance(one.join(), Place) for one in waiting[:10])
    assert hall.waiting("a") == 10
    hall.dismiss("a")


def test_newcomer_sends_one_away_where_threads_run_short(hall: Hall) -> None:
    hall.fill("flood")
    waiting = [hall.wait("flood") for _ in range(20)]

    hall.enter("newcomer")

    assert isinstance(waiting[-1].join(), TenantBusyError)
    assert hall.waiting("flood") == 19
    hall.dismiss("flood")


def test_those_who_had_all_places_give_up_their_waiters_first(hall: Hall) -> None:
    hall.fill("first")
    first = [hall.wait("first") for _ in range(20)]
    hall.fill("second")
    for _ in range(10):
        hall.wait("second")

    hall.enter("third")

    lines = hall.in_flight._lines.values()
    assert sum(line.served + len(line.waiters) for line in lines) == 30
    assert hall.waiting("second") > hall.waiting("first")
    assert isinstance(first[-1].join(), TenantBusyError)
    hall.dismiss("first")
    hall.dismiss("second")


def test_end_of_another_tenant_makes_room(hall: Hall) -> None:
    other = hall.enter("other")
    hall.fill("a")
    waiting = hall.wait("a")

    other.leave()

    assert isinstance(waiting.join(), Place)


def test_client_that_left_waits_no_more(hall: Hall) -> None:
    hall.fill("a")

    with pytest.raises(ClientGoneError):
        hall.enter("a", wait_s=PATIENCE_S, is_gone=lambda: True)

    assert hall.waiting("a") == 0


def test_client_that_left_as_it_was_called_takes_no_place(hall: Hall) -> None:
    places = hall.fill("a")

    def leave_too_late() -> bool:
        places[0].leave()
        return True

    with pytest.raises(ClientGoneError):
        hall.enter("a", wait_s=PATIENCE_S, is_gone=leave_too_late)

    assert len(hall.fill("a")) == 1


def test_place_is_left_when_the_server_says_so() -> None:
    left: list[None] = []
    environ: dict[str, list[Callable[[], None]]] = {AT_END: []}
    Place(lambda: left.append(None)).leave_after(environ)
    assert left == []

    environ[AT_END][0]()

    assert left == [None]


def test_place_is_left_at_once_where_no_server_tells() -> None:
    left: list[None] = []

    Place(lambda: left.append(None)).leave_after({})

    assert left == [None]


def test_many_tenants_at_once_leave_nothing_behind(hall: Hall) -> None:
    def come_and_go(tenant: str) -> Place:
        place = hall.enter("none")
        for _ in range(200):
            place.leave()
            try:
                place = hall.enter(tenant, wait_s=0.001)
            except TenantBusyError:
                continue
        place.leave()
        return place

    asking = [Asking(lambda n=n: come_and_go(str(n % 4))) for n in range(16)]  # type: ignore[misc]
    for one in asking:
        one.join()

    assert hall.in_flight._lines == {}


def test_process_has_as_many_places_as_the_setting_says(settings) -> None:
    assert get_in_flight() is get_in_flight()
    assert get_in_flight()._places == settings.WEB_THREADS
