"""Reading a request's body: bounded, whatever its framing, before any refusal."""

from typing import Any

from embeddings.errors import BodyTooLargeError, MalformedBodyError

#: Up to here a refused body is read and dropped, so that the connection stays usable.
DRAIN_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
#: Tells the web server to close the connection cleanly after this reply.
CLOSE_FLAG = "platform.close"

Environ = dict[str, Any]


def read(environ: Environ, *, limit: int) -> bytes:
    """The whole body, chunked or not; raises BodyTooLargeError, MalformedBodyError."""
    length = _length(environ)
    if length is not None and length > limit:
        drain(environ)
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while size <= limit and (part := _next_part(environ, length, size)):
        parts.append(part)
        size += len(part)
    environ["platform.read"] = size
    if size > limit:
        drain(environ)
        raise _too_large(limit)
    if length is not None and size < length:
        environ[CLOSE_FLAG] = True
        raise MalformedBodyError("the body ended before its announced length")
    return b"".join(parts)


def drain(environ: Environ) -> None:
    """Read and drop the rest of the body; flag the connection when it is too much."""
    if environ.get(CLOSE_FLAG):
        return
    length = _length(environ)
    size = int(environ.get("platform.read", 0))
    if length is not None and length - size > DRAIN_BYTES:
        environ[CLOSE_FLAG] = True
        return
    while size <= DRAIN_BYTES:
        try:
            part = _next_part(environ, length, size)
        except MalformedBodyError:
            return
        if not part:
            environ["platform.read"] = size
            return
        size += len(part)
    environ[CLOSE_FLAG] = True


def _length(environ: Environ) -> int | None:
    """Bytes announced, 0 for no body, None for a chunked one."""
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        return None
    text = environ.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _next_part(environ: Environ, length: int | None, size: int) -> bytes:
    """Some more bytes, b"" at the end; a cut or mis-framed body raises."""
    wanted = CHUNK_BYTES if length is None else min(CHUNK_BYTES, length - size)
    if wanted <= 0:
        return b""
    try:
        part: bytes = environ["wsgi.input"].read(wanted)
    except Exception as error:
        environ[CLOSE_FLAG] = True
        raise MalformedBodyError("the body could not be read") from error
    return part


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"the request body is larger than {limit} bytes")
