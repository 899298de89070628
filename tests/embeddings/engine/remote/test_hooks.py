"""Hooks that nobody sets tell nobody."""

from embeddings.engine.remote.hooks import Hooks
from tests.embeddings.engine.wires import make_endpoint


def test_nobody_has_to_be_told():
    hooks, endpoint = Hooks(), make_endpoint("https://api.example.com")

    hooks.on_rejected(endpoint, 401)
    hooks.on_answered(endpoint)
    hooks.on_call(endpoint, "ok", 0.1)
    hooks.on_retry(endpoint)
