"""The one way out: every SDK sends its requests through this transport."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from embeddings.engine.remote.addresses import check_url
from embeddings.engine.remote.failures import (
    BadAnswerError,
    SlowError,
    StatusError,
    UnreachableError,
)
from embeddings.engine.remote.retrying import is_temporary, retry_after_s
from embeddings.engine.remote.streams import Bounds, CheckedNetwork
from embeddings.engine.spec import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Connections that nobody uses are kept for so long.
IDLE_S = 30.0
#: Of a refusal, as much is read as tells its reason.
ERROR_BYTES = 65_536
#: For answers whose size nobody announced.
ANSWER_BYTES = 1 << 20
_OK = 200


class Transport(httpx2.BaseTransport):
    """An httpx2 transport that reaches only what its endpoint may, within bounds.

    Answers come whole or not at all: anything but a complete 200 raises a `CallError`,
    which SDKs wrap or pass on. Redirects are such failures, proxies of the environment
    are not looked at, and answers are asked for uncompressed, so that their size is
    what is read.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        hosts = (host.rstrip(".").casefold() for host in endpoint.allowed_hosts)
        self._allowed_hosts = frozenset(host.strip("[]") for host in hosts)
        self._bounds = Bounds(timeout_s=endpoint.timeout_s, most_bytes=ANSWER_BYTES)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=endpoint.concurrency,
            max_keepalive_connections=endpoint.concurrency,
            keepalive_expiry=IDLE_S,
            network_backend=CheckedNetwork(
                allowed_hosts=self._allowed_hosts, bounds=self._bounds
            ),
        )

    def client(self) -> httpx2.Client:
        """A client for an SDK that speaks httpx2."""
        return httpx2.Client(transport=self, trust_env=False, follow_redirects=False)

    @contextmanager
    def bounded(self, *, ends_at: float, most_bytes: int) -> Iterator[None]:
        """Let this thread's calls take until `ends_at` (monotonic), and so many bytes.

        Both are absolute: an answer that drips is cut off when its time is over.
        """
        bounds = self._bounds
        before = bounds.ends_at, bounds.most_bytes
        bounds.ends_at, bounds.most_bytes = ends_at, most_bytes
        try:
            yield
        finally:
            bounds.ends_at, bounds.most_bytes = before

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and read its whole answer; raises `CallError`."""
        check_url(str(request.url), allowed_hosts=self._allowed_hosts)
        headers = [
            (name, value)
            for name, value in request.headers.raw
            if name.lower() != b"accept-encoding"
        ]
        left_s = self._bounds.left_s()
        self._bounds.begin()
        with _translated():
            answer = self._pool.handle_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=[*headers, (b"accept-encoding", b"identity")],
                    content=request.read(),
                    extensions={"timeout": {"pool": left_s}},
                )
            )
            try:
                found = httpx2.Headers(answer.headers)
                body = self._body(answer, found)
            finally:
                answer.close()
        if answer.status != _OK:
            raise StatusError(
                answer.status,
                body=body,
                retry_after_s=retry_after_s(found, body),
                may_retry=is_temporary(answer.status, found),
            )
        return httpx2.Response(_OK, headers=found, content=body, request=request)

    def close(self) -> None:
        """End the connections."""
        self._pool.close()

    def _body(self, answer: httpcore2.Response, headers: httpx2.Headers) -> bytes:
        """The answer's bytes; of a refusal the beginning."""
        is_ok = answer.status == _OK
        if is_ok and headers.get("content-encoding", "identity") != "identity":
            raise BadAnswerError("the answer is compressed, which was not asked for")
        most_bytes = self._bounds.most_bytes if is_ok else ERROR_BYTES
        parts: list[bytes] = []
        size = 0
        stream: Iterable[bytes] = answer.iter_stream()
        for part in stream:
            size += len(part)
            if size > most_bytes and is_ok:
                raise BadAnswerError(f"the answer has more than {most_bytes} bytes")
            parts.append(part)
            if size > most_bytes:
                break
        return b"".join(parts)[:most_bytes]


@contextmanager
def _translated() -> Iterator[None]:
    """What httpcore raises, as failures of the call."""
    try:
        yield
    except httpcore2.ConnectTimeout:
        raise UnreachableError("the host did not take the connection in time") from None
    except httpcore2.TimeoutException:
        raise SlowError("the answer took too long") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
        raise UnreachableError(
            f"the connection failed: {type(error).__name__}"
        ) from None
