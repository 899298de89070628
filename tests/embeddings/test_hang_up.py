"""Clients that leave while they wait."""

import fcntl
import resource
import socket

from embeddings.hang_up import hang_up_detector


def test_a_client_that_went_away_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        is_gone = hang_up_detector({"gunicorn.socket": ours})
        assert is_gone is not None
        assert not is_gone()
        theirs.send(b"more")
        assert not is_gone()
        ours.recv(4)
        theirs.close()
        assert is_gone()
    assert is_gone()
    assert hang_up_detector({}) is None


def test_a_client_on_a_high_socket_is_not_taken_for_gone() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        descriptor = fcntl.fcntl(ours, fcntl.F_DUPFD, 2000)
        with socket.socket(fileno=descriptor) as high:
            is_gone = hang_up_detector({"gunicorn.socket": high})

            assert is_gone is not None
            assert not is_gone()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
