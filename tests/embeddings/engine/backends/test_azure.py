"""Azure's paths and its key's header."""

import pytest

from embeddings.engine.backends.azure import BACKEND
from embeddings.engine.backends.base import UnfitEndpointError
from embeddings.engine.remote.asking import Ask
from embeddings.engine.remote.transport import Transport
from tests.embeddings.engine.wires import SECRET, make_endpoint, openai

ASK = Ask(model="my-deployment", inputs=("a",), width=4, limit_tokens=8)


def test_the_deployment_is_in_the_path_and_the_key_in_its_own_header(
    vendor, monkeypatch
):
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "of-the-environment")
    vendor.usual = openai
    options = {"api_version": "2025-01-01"}
    endpoint = make_endpoint(vendor.url, "azure", options=options)
    transport = Transport(endpoint)

    BACKEND(endpoint, transport).embed(ASK)

    (asked,) = vendor.asked
    assert asked.path == (
        "/openai/deployments/my-deployment/embeddings?api-version=2025-01-01"
    )
    assert asked.headers["api-key"] == SECRET
    assert "authorization" not in asked.headers
    transport.close()


def test_a_url_is_needed():
    endpoint = make_endpoint("", "azure")
    transport = Transport(endpoint)

    with pytest.raises(UnfitEndpointError):
        BACKEND(endpoint, transport)
    transport.close()
