"""Connections go to the address that was checked, and end in time."""

import socket
import time

import httpcore2
import pytest

from embeddings.engine.remote import addresses
from embeddings.engine.remote.failures import (
    BadAnswerError,
    SlowError,
    UnreachableError,
)
from embeddings.engine.remote.streams import BoundedStream, Bounds, CheckedNetwork

LOCAL = frozenset({"127.0.0.1", "models.internal"})


class Recorder(httpcore2.NetworkStream):
    """A connection that keeps what it is asked."""

    def __init__(self):
        self.timeouts = []
        self.written = b""
        self.is_closed = False

    def read(self, max_bytes, timeout=None):  # noqa: ARG002
        self.timeouts.append(timeout)
        return b"x"

    def write(self, buffer, timeout=None):
        self.timeouts.append(timeout)
        self.written += buffer

    def close(self):
        self.is_closed = True

    def start_tls(self, context, server_hostname=None, timeout=None):  # noqa: ARG002
        self.timeouts.append(timeout)
        return self

    def get_extra_info(self, info):
        return info


@pytest.fixture
def bounds():
    return Bounds(timeout_s=9.0, most_bytes=10)


def test_without_a_deadline_the_endpoints_timeout_counts(bounds):
    assert bounds.left_s() == 9.0


def test_what_is_left_is_asked_for_whatever_the_sdk_wants(bounds):
    recorder = Recorder()
    stream = BoundedStream(recorder, bounds)
    bounds.ends_at = time.monotonic() + 5

    stream.read(1, timeout=600)
    stream.write(b"y" * 200_000, timeout=None)
    stream.start_tls(None, "a", 600).read(1, None)

    assert all(0 < one <= 5 for one in recorder.timeouts)
    assert len(recorder.timeouts) == 1 + 4 + 2
    assert recorder.written == b"y" * 200_000


def test_after_the_deadline_nothing_is_read_or_written(bounds):
    stream = BoundedStream(Recorder(), bounds)
    bounds.ends_at = time.monotonic()

    for step in (lambda: stream.read(1), lambda: stream.write(b"x")):
        with pytest.raises(SlowError):
            step()


def test_bytes_around_a_body_have_an_end_too(bounds):
    stream = BoundedStream(Recorder(), bounds)

    def read_all():
        while True:
            stream.read(1)

    with pytest.raises(BadAnswerError):
        read_all()
    bounds.begin()
    assert stream.read(1) == b"x"


def test_the_rest_is_the_connections_own(bounds):
    recorder = Recorder()
    stream = BoundedStream(recorder, bounds)

    assert stream.get_extra_info("socket") == "socket"
    stream.close()
    assert recorder.is_closed


def test_a_name_is_asked_for_once_and_its_address_connected_to(
    bounds, vendor, monkeypatch
):
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    def getaddrinfo(host, port, **_):
        (address,) = answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(addresses, "socket", FakeDns(getaddrinfo))
    network = CheckedNetwork(allowed_hosts=LOCAL, bounds=bounds)

    stream = network.connect_tcp("models.internal", vendor.port)

    assert stream.get_extra_info("server_addr") == ("127.0.0.1", vendor.port)
    assert len(answers) == 1
    stream.close()


class FakeDns:
    """The socket module with another resolver."""

    SOCK_STREAM = socket.SOCK_STREAM

    def __init__(self, getaddrinfo):
        self.getaddrinfo = getaddrinfo


def test_the_next_address_is_tried(bounds, vendor, monkeypatch):
    def getaddrinfo(host, port, **_):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in ("127.0.0.99", "127.0.0.1")
        ]

    monkeypatch.setattr(addresses, "socket", FakeDns(getaddrinfo))
    network = CheckedNetwork(allowed_hosts=LOCAL, bounds=bounds)

    stream = network.connect_tcp("models.internal", vendor.port)

    assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
    stream.close()


def test_a_closed_port_and_a_local_socket(bounds):
    network = CheckedNetwork(allowed_hosts=LOCAL, bounds=bounds)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError):
            network.connect_tcp("127.0.0.1", free.getsockname()[1])
    with pytest.raises(UnreachableError):
        network.connect_unix_socket("/var/run/docker.sock")
