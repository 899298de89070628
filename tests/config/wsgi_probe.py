"""An application that treats its requests as the worker's tests want."""

import socket
from collections.abc import Callable, Iterable
from typing import Any

BIG = 64 * 1024 * 1024


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    body = b""
    match environ["PATH_INFO"]:
        case "/echo":
            try:
                body = b"%d" % len(environ["wsgi.input"].read())
            except TimeoutError:
                environ["platform.close"] = True
                start_response("408 Request Timeout", [("Content-Length", "0")])
                return []
        case "/refuse":
            environ["platform.close"] = True
            body = b"no"
        case "/ignore":
            body = b"ignored"
        case "/big":
            body = bytes(BIG)
        case "/peek":
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
            try:
                body = b"seen %d" % len(environ["gunicorn.socket"].recv(1, flags))
            except BlockingIOError:
                body = b"quiet"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
