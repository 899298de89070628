import socket
import threading
import time
from collections.abc import Iterator

import pytest

from config.deadlines import LEAST_READ_S, DeadlineSocket, ReadDeadlinePassedError


@pytest.fixture
def pair() -> Iterator[tuple[DeadlineSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield DeadlineSocket(ours, read_timeout_s=0.2, write_timeout_s=0.2), theirs


Pair = tuple[DeadlineSocket, socket.socket]


def test_reads_share_one_deadline(pair: Pair) -> None:
    sock, client = pair
    sock.arm()
    client.sendall(b"a")
    started = time.monotonic()
    assert sock.recv(10) == b"a"

    with pytest.raises(ReadDeadlinePassedError):
        sock.recv(10)

    assert 0.15 < time.monotonic() - started < 1.0


@pytest.mark.parametrize(
    ("waited_s", "left_s"),
    [(0.0, 3.0), (1.5, 1.5), (60.0, LEAST_READ_S)],
    ids=["at once", "some", "too long"],
)
def test_waiting_for_a_thread_counts(waited_s: float, left_s: float) -> None:
    near, far = socket.socketpair()
    with near, far:
        sock = DeadlineSocket(near, read_timeout_s=3.0, write_timeout_s=1.0)
        sock.arm(waited_s=waited_s)
        started = time.monotonic()

        with pytest.raises(ReadDeadlinePassedError):
            sock.recv(10)

        assert left_s - 0.05 < time.monotonic() - started < left_s + 0.5


def test_what_arrived_in_time_is_read_afterwards(pair: Pair) -> None:
    sock, client = pair
    client.sendall(b"early")

    assert sock.recv(10) == b"early"


def test_deadline_is_a_timeout_to_applications() -> None:
    assert issubclass(ReadDeadlinePassedError, TimeoutError)


def test_own_timeout_of_the_socket_counts_too(pair: Pair) -> None:
    sock, _ = pair
    sock._read_timeout_s = 60.0
    sock.arm()
    sock.settimeout(0.05)

    with pytest.raises(ReadDeadlinePassedError):
        sock.recv(10)


def test_peeking_neither_waits_nor_needs_a_deadline(pair: Pair) -> None:
    sock, client = pair
    flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
    sock.arm()

    with pytest.raises(BlockingIOError):
        sock.recv(1, flags)
    client.close()
    assert sock.recv(1, flags) == b""


def test_client_that_does_not_read_is_given_up(pair: Pair) -> None:
    sock, _ = pair

    with pytest.raises(BrokenPipeError):
        sock.sendall(bytes(16 * 1024 * 1024))

    assert not sock.is_answered


def test_answer_is_remembered_until_the_next_request(pair: Pair) -> None:
    sock, client = pair

    sock.sendall(b"reply")

    assert client.recv(10) == b"reply"
    assert sock.is_answered
    sock.arm()
    assert not sock.is_answered


def test_large_answer_is_written_as_the_client_reads(pair: Pair) -> None:
    sock, client = pair
    answer = bytes(range(256)) * 4096
    received = bytearray()

    def read() -> None:
        while len(received) < len(answer):
            received.extend(client.recv(65536))

    reader = threading.Thread(target=read)
    reader.start()
    sock.sendall(answer)
    reader.join(10)

    assert received == answer
    assert sock.is_answered


def test_read_waits_for_what_comes_in_time(pair: Pair) -> None:
    sock, client = pair
    sock.arm()
    threading.Timer(0.02, client.sendall, [b"late"]).start()

    assert not sock.has_data(0.0)
    assert sock.recv(10) == b"late"


def test_socket_that_may_not_block_does_not_wait(pair: Pair) -> None:
    sock, _ = pair
    sock._read_timeout_s = 60.0
    sock.arm()
    sock.setblocking(False)

    assert sock.gettimeout() == 0.0
    with pytest.raises(ReadDeadlinePassedError):
        sock.recv(10)
