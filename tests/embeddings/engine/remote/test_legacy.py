"""SDKs of httpx get the same guard."""

import httpx
import pytest

from embeddings.engine.remote.failures import ForbiddenUrlError, StatusError
from embeddings.engine.remote.legacy import legacy_client
from embeddings.engine.remote.transport import Transport
from tests.embeddings.engine.vendor import Answered
from tests.embeddings.engine.wires import make_endpoint


@pytest.fixture
def client(vendor):
    transport = Transport(make_endpoint(vendor.url))
    yield legacy_client(transport)
    transport.close()


def test_requests_and_answers_pass_as_they_are(vendor, client):
    vendor.answers.append(Answered(body={"x": "é"}, headers={"x-own": "y"}))

    found = client.post(vendor.url + "/v1?a=b", json={"t": "ü"}, headers={"x-q": "z"})

    assert isinstance(found, httpx.Response)
    assert (found.json(), found.headers["x-own"]) == ({"x": "é"}, "y")
    (asked,) = vendor.asked
    assert (asked.path, asked.body) == ("/v1?a=b", {"t": "ü"})
    assert (asked.headers["x-q"], asked.headers["accept-encoding"]) == ("z", "identity")


def test_redirects_are_failures(vendor, client):
    vendor.answers.append(Answered(status=307, headers={"location": vendor.url}))

    with pytest.raises(StatusError):
        client.post(vendor.url)
    assert len(vendor.asked) == 1


def test_foreign_hosts_are_refused(client):
    with pytest.raises(ForbiddenUrlError):
        client.get("https://localhost/")
