"""An application that treats its requests as the worker's tests want."""

import socket
from collections.abc import Callable, Iterable
from typing import Any

BIG = 64 * 1024 * 1024
#: One entry per request that asked to be told of its end.
ended: list[None] = []


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
        case "/count":
            environ["platform.at_end"].append(lambda: ended.append(None))
            body = b"%d" % len(ended)
        case "/fall":
            environ["platform.at_end"].append(lambda: ended.append(None))
            raise RuntimeError("a bug")
        case "/big":
            environ["platform.at_end"].append(lambda: ended.append(None))
            body = bytes(BIG)
        case "/peek":
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
            try:
                body = b"seen %d" % len(environ["gunicorn.socket"].recv(1, flags))
            except BlockingIOError:
                body = b"quiet"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
