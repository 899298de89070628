"""The same way out for SDKs that still speak httpx; only its users import this."""

import httpx
import httpx2

from embeddings.engine.remote.transport import Transport


class LegacyTransport(httpx.BaseTransport):
    """Hands httpx's requests to the one transport, and its answers back."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its whole answer; raises `CallError`."""
        answer = self._transport.handle_request(
            httpx2.Request(
                request.method,
                str(request.url),
                headers=request.headers.raw,
                content=request.read(),
            )
        )
        return httpx.Response(
            answer.status_code, headers=answer.headers.raw, content=answer.content
        )


def legacy_client(transport: Transport) -> httpx.Client:
    """A client for an SDK that speaks httpx."""
    guarded = LegacyTransport(transport)
    return httpx.Client(transport=guarded, trust_env=False, follow_redirects=False)
