import io
import queue
import socket
from types import SimpleNamespace

import pytest

from config.deadlines import DeadlineSocket
from config.worker import DeadlineWorker


@pytest.mark.parametrize(
    ("sent", "read_ahead", "waiting", "is_alive", "stays"),
    [
        (b"GET", b"", 0, True, True),
        (b"", b"GET", 0, True, True),
        (b"", b"", 0, True, False),
        (b"GET", b"", 1, True, False),
        (b"GET", b"", 0, False, False),
    ],
    ids=["sent", "read ahead", "silent", "others wait", "ending"],
)
def test_thread_stays_with_a_client_that_sends_on(
    sent: bytes, read_ahead: bytes, waiting: int, is_alive: bool, stays: bool
) -> None:
    work: queue.SimpleQueue[int] = queue.SimpleQueue()
    for one in range(waiting):
        work.put(one)
    pool = SimpleNamespace(_work_queue=work)
    worker = SimpleNamespace(alive=is_alive, tpool=pool)
    parser = SimpleNamespace(unreader=SimpleNamespace(buf=io.BytesIO(read_ahead)))
    near, far = socket.socketpair()
    with near, far:
        far.sendall(sent)
        sock = DeadlineSocket(near, read_timeout_s=1.0, write_timeout_s=1.0)
        conn = SimpleNamespace(sock=sock, parser=parser)

        assert DeadlineWorker._stays(worker, conn) is stays
