"""gunicorn's threaded worker, made safe against clients that take their time."""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from gunicorn.http import errors
from gunicorn.workers import gthread

from config.deadlines import DeadlineSocket

#: A view sets this to close the connection after its reply.
CLOSE_FLAG = "platform.close"
#: A view adds here what is to be called once its reply has been sent, or could not be.
AT_END = "platform.at_end"
#: What a thread waits for the first byte of a new connection; the rest of the wait is
#: the poller's, so that silent connections take no thread.
FIRST_BYTE_WAIT_S = 0.02
#: What a thread waits for a connection's next request while nobody else needs it.
STAY_S = 0.01
#: How long a closing connection may go on sending, and how much.
LINGER_S = 2.0
LINGER_BYTES = 64 * 1024 * 1024
LINGER_READ_BYTES = 256 * 1024
#: How often a worker asks whether it should go on.
LOOK_EVERY_S = 1.0
#: Before it is killed, what a worker has for telling those whom it cannot serve.
LAST_WORDS_S = 3.0
#: More unread body than this, and gunicorn will not keep the connection.
KEPT_UNREAD_BYTES = 64 * 1024

STATUSES: dict[type[Exception], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
}

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(slots=True, eq=False)
class Lingering:
    """A closing connection whose client may still be sending, until `deadline`."""

    conn: gthread.TConn
    deadline: float
    dropped_bytes: int = 0


class Ending:
    """A reply's body that makes calls once it has been sent, or could not be."""

    def __init__(
        self, body: Iterable[bytes], calls: Iterable[Callable[[], None]]
    ) -> None:
        self._body = body
        self._calls = calls

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """The server's last word on a reply; closes the body too."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            for call in self._calls:
                call()


class DeadlineWorker(gthread.ThreadWorker):
    """A thread worker with a read deadline per request and a close flag.

    `is_lost` is asked now and then whether only a new process can serve; `stop` is
    called once, in a thread of its own, when the worker begins to end, with the
    seconds that its requests may still take.
    """

    alive: bool
    is_lost: Callable[[], bool] | None = None
    stop: Callable[[float], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: list[Lingering] = []
        self._looked_at = 0.0

    def notify(self) -> None:
        """Say that the worker lives, and see whether it should go on."""
        now = time.monotonic()
        if now < self._looked_at + LOOK_EVERY_S:
            return
        self._looked_at = now
        super().notify()
        if self.alive and self.is_lost and self.is_lost():
            self.log.critical("the worker cannot serve any more and ends")
            self.alive = False
            self._begin_stop()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to end; a signal's handler, which must not wait for any lock."""
        if self.alive:
            self.method_queue.defer(self._begin_stop)
        super().handle_exit(sig, frame)

    def _begin_stop(self) -> None:
        if self.stop is not None:
            drain_s = max(0.0, self.cfg.graceful_timeout - LAST_WORDS_S)
            stopping = threading.Thread(target=self.stop, args=(drain_s,), daemon=True)
            stopping.start()

    def load_wsgi(self) -> None:
        """Load the application and watch for its close flag."""
        super().load_wsgi()
        application: Application = self.wsgi
        self.wsgi: Application = closing_on_request(application)

    def handle(self, conn: gthread.TConn) -> Any:
        """Serve one request in a worker thread; see gunicorn for the answer."""
        if not isinstance(conn.sock, DeadlineSocket):
            conn.sock = DeadlineSocket(
                conn.sock,
                read_timeout_s=settings.READ_TIMEOUT_S,
                write_timeout_s=settings.WRITE_TIMEOUT_S,
            )
            if not conn.wait_for_data(FIRST_BYTE_WAIT_S):
                return gthread._DEFER  # noqa: SLF001 -- the worker's own sign
        conn.sock.arm(waited_s=time.monotonic() - conn.queued_at)
        answer = super().handle(conn)
        while answer is True and self._stays(conn):
            conn.sock.arm()
            answer = super().handle(conn)
        return answer

    def _stays(self, conn: gthread.TConn) -> bool:
        """Whether the next request comes at once, and nobody else needs the thread.

        The way through the main loop and back costs as much as a small request.
        """
        is_needed = self.tpool._work_queue.qsize() > 0  # noqa: SLF001 -- our own pool
        if is_needed or not self.alive:
            return False
        # What was read beyond the last request's body makes no socket readable.
        is_here = bool(conn.parser.unreader.buf.getvalue())
        return is_here or conn.sock.has_data(STAY_S)

    def enqueue_req(self, conn: gthread.TConn) -> None:
        """Hand a connection to the threads, and note since when it waits.

        Many half-sent requests at once would otherwise each take their whole time,
        one after the other, before a good one gets a thread.
        """
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def finish_request(self, conn: gthread.TConn, fs: Future[Any]) -> None:
        """Keep, park or close the connection; runs in the main loop.

        gunicorn would wait here for a client to close, and everyone with it.
        """
        is_done = not fs.cancelled() and fs.exception() is None
        is_closing = is_done and fs.result() is False
        if not is_closing:
            super().finish_request(conn, fs)
        elif conn.sock.is_answered:
            self._linger(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 -- gunicorn's
        """Close what idled too long, among it connections that lingered."""
        super().murder_keepalived(force)
        now = time.monotonic()
        for lingering in list(self._lingering):
            if force or lingering.deadline < now:
                self._end(lingering)

    def _linger(self, conn: gthread.TConn) -> None:
        """Say that no more comes, and let the client read the reply in peace.

        Closing at once while it still sends would reset the connection, and the
        reset overtakes the reply.
        """
        lingering = Lingering(conn, deadline=time.monotonic() + LINGER_S)
        self._lingering.append(lingering)
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)  # noqa: FBT003 -- the socket's
            drop = partial(self._drop, lingering)
            self.poller.register(conn.sock, selectors.EVENT_READ, drop)
        except OSError:
            self._end(lingering)  # The client was quicker.

    def _drop(self, lingering: Lingering, sock: DeadlineSocket) -> None:
        """Read and drop what the client still sends; close when it has closed."""
        try:
            part = sock.recv(LINGER_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        lingering.dropped_bytes += len(part)
        if not part or lingering.dropped_bytes > LINGER_BYTES:
            self._end(lingering)

    def _end(self, lingering: Lingering) -> None:
        self._lingering.remove(lingering)
        with contextlib.suppress(KeyError, ValueError, OSError):
            self.poller.unregister(lingering.conn.sock)
        self.nr_conns -= 1
        lingering.conn.close()

    def handle_error(
        self,
        req: Any,  # noqa: ARG002 -- gunicorn's signature
        client: Any,
        addr: Any,
        exc: Exception,
    ) -> None:
        """Answer what gunicorn itself refuses, in JSON and without an echo."""
        status = next(
            (code for kind, code in STATUSES.items() if isinstance(exc, kind)),
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log.error("error outside of the application", exc_info=exc)
        else:
            # The exception's text quotes the request, which may hold a key.
            host = addr[0] if addr else ""
            self.log.warning("refused %s from %s", type(exc).__name__, host)
        body = orjson.dumps({"error": status.phrase.lower()})
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "Connection: close\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode("ascii") + body)
        except OSError:
            self.log.debug("the client did not wait for the answer")


def closing_on_request(application: Application) -> Application:
    """The application, with its connections closed and its calls made as it asks.

    They are also closed where more of the body was left unread than gunicorn drops:
    it would close them anyway, after having promised to keep them.
    """

    def serve(
        environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            if environ.get(CLOSE_FLAG) or _unread_bytes(environ) > KEPT_UNREAD_BYTES:
                response: Any = start_response.__self__  # type: ignore[attr-defined]
                response.force_close()
            return start_response(status, headers, exc_info)

        at_end = environ[AT_END] = []
        try:
            body = application(environ, start)
        except BaseException:
            Ending((), at_end).close()
            raise
        return Ending(body, at_end) if at_end else body

    return serve


def _unread_bytes(environ: dict[str, Any]) -> int:
    """What is left of a body of announced length."""
    reader = getattr(environ["wsgi.input"], "reader", None)
    length: int = getattr(reader, "length", 0)
    return length
