"""The one way out, against real servers that do what they should not."""

import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from embeddings.engine.remote.failures import (
    BadAnswerError,
    ForbiddenUrlError,
    SlowError,
    StatusError,
    UnreachableError,
    failure_in,
)
from embeddings.engine.remote.transport import Transport
from tests.embeddings.engine.vendor import PATIENCE_S, Answered, Vendor
from tests.embeddings.engine.wires import make_endpoint


@pytest.fixture
def transport(vendor):
    made = Transport(make_endpoint(vendor.url))
    yield made
    made.close()


def post(transport, url, *, seconds=PATIENCE_S, most_bytes=10_000, body=b"{}"):
    ends_at = time.monotonic() + seconds
    with transport.bounded(ends_at=ends_at, most_bytes=most_bytes):
        return transport.client().post(url, content=body)


def failure_of(*arguments, **options):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - told apart by the caller
        post(*arguments, **options)
    return failure_in(caught.value)


def test_a_good_answer_comes_whole(vendor, transport):
    vendor.answers.append(Answered(body={"x": 1}, headers={"x-own": "y"}))

    found = post(transport, vendor.url + "/v1/x?y=z", body=b'{"a": 1}')

    assert (found.json(), found.headers["x-own"]) == ({"x": 1}, "y")
    (asked,) = vendor.asked
    assert (asked.path, asked.body) == ("/v1/x?y=z", {"a": 1})
    assert asked.headers["accept-encoding"] == "identity"


def test_connections_are_used_again(vendor, transport):
    vendor.usual = lambda _: Answered(body={})
    for _ in range(3):
        post(transport, vendor.url)

    assert len(vendor.asked) == 3
    assert vendor.connections == 1


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 308, 400, 401, 500])
def test_all_but_200_is_a_failure_and_no_redirect_is_followed(
    vendor, transport, status
):
    vendor.usual = lambda _: Answered(
        status=status,
        body=b"" if status == 204 else b"SECRET-TEXT",
        headers={"location": vendor.url + "/elsewhere"},
    )

    failure = failure_of(transport, vendor.url)

    assert isinstance(failure, StatusError)
    assert failure.status == status
    assert failure.may_retry is (status == 500)
    assert "SECRET" not in repr(failure)
    assert len(vendor.asked) == 1


def test_a_refusal_is_read_only_in_part_and_tells_the_wait(vendor, transport):
    vendor.answers.append(
        Answered(status=429, body=b"x" * 10**6, headers={"retry-after": "7"})
    )

    failure = failure_of(transport, vendor.url)

    assert (len(failure.body), failure.retry_after_s) == (65_536, 7)


def test_a_huge_answer_is_cut_off(vendor, transport):
    vendor.answers.append(Answered(body=b"x" * 20_000_000))

    assert isinstance(failure_of(transport, vendor.url), BadAnswerError)


def test_a_compressed_answer_is_refused(vendor, transport):
    vendor.answers.append(Answered(body=b"x", headers={"content-encoding": "gzip"}))

    assert isinstance(failure_of(transport, vendor.url), BadAnswerError)


def test_an_answer_that_drips_is_cut_off_when_its_time_is_over(vendor, transport):
    vendor.answers.append(Answered(drips=True))

    started = time.monotonic()
    failure = failure_of(transport, vendor.url, seconds=0.3, most_bytes=10**9)

    assert isinstance(failure, SlowError)
    assert time.monotonic() - started < PATIENCE_S / 2


def test_an_answer_that_never_comes(vendor, transport):
    gate = threading.Event()
    vendor.answers.append(Answered(gate=gate))

    assert isinstance(failure_of(transport, vendor.url, seconds=0.2), SlowError)
    gate.set()


def test_a_connection_that_breaks(vendor, transport):
    vendor.answers.append(Answered(breaks=True))

    failure = failure_of(transport, vendor.url)

    assert isinstance(failure, UnreachableError)
    assert failure.may_retry


def test_proxies_of_the_environment_are_not_asked(vendor, monkeypatch):
    with Vendor().running() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        vendor.answers.append(Answered(body={}))

        transport = Transport(make_endpoint(vendor.url))
        post(transport, vendor.url)
        transport.close()

        assert not proxy.asked


@pytest.mark.parametrize("allowed", [(), ("models.internal", "localhost")], ids=str)
def test_a_host_that_is_not_allowed_is_never_reached(vendor, allowed):
    endpoint = make_endpoint(vendor.url, allowed_hosts=frozenset(allowed))

    for scheme in ("http", "https"):
        url = f"{scheme}://127.0.0.1:{vendor.port}"
        failure = failure_of(Transport(endpoint), url)
        assert isinstance(failure, ForbiddenUrlError)
    assert vendor.connections == 0


def test_bounds_are_this_threads_and_end_with_the_block(vendor, transport):
    vendor.usual = lambda _: Answered(body=b"x" * 5000)
    with transport.bounded(ends_at=time.monotonic() + 9, most_bytes=10):
        assert isinstance(
            failure_of(transport, vendor.url, most_bytes=10), BadAnswerError
        )
        assert len(post(transport, vendor.url).content) == 5000
    assert len(transport.client().get(vendor.url).content) == 5000


def certificate(tmp_path, name):
    """A self-signed certificate for a name, and its key, as one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "tls.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.mark.parametrize(
    ("name", "is_good"),
    [
        (x509.IPAddress(ip_address("127.0.0.1")), True),
        (x509.DNSName("other.example.com"), False),
    ],
    ids=["its own name", "another name"],
)
def test_tls_verifies_the_urls_own_name(tmp_path, monkeypatch, name, is_good):
    path = certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    monkeypatch.setattr(
        httpx2, "create_ssl_context", lambda: ssl.create_default_context(cafile=path)
    )
    with Vendor(tls=context).running() as vendor:
        vendor.answers.append(Answered(body={"x": 1}))
        transport = Transport(make_endpoint(vendor.url))

        if is_good:
            assert post(transport, vendor.url).json() == {"x": 1}
        else:
            failure = failure_of(transport, vendor.url)
            assert isinstance(failure, UnreachableError)
            assert not vendor.asked
        transport.close()
