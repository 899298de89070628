"""A small model hub over a real socket, as huggingface_hub's client asks one."""

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
#: Files from this size on are kept apart, as large ones are, behind a redirect.
LARGE = 8 * 1024


@dataclass
class Hub:
    """Serves the folders in `models` by their ids; counts and fails as it is told.

    `break_after` ends the connection within a large file after so many bytes, once.
    `lies` makes it serve other bytes than it describes. `status` answers everything.
    """

    models: dict[str, Path] = field(default_factory=dict)
    break_after: int | None = None
    lies: bool = False
    status: int = 0
    error_code: str = ""
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    url: str = ""

    def describe(self, name):
        """What the hub says of a model's files."""
        folder = self.models[name]
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        siblings = [_sibling(path, path.relative_to(folder)) for path in paths]
        return {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}


def _sibling(path, name):
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    made = {"rfilename": name.as_posix(), "size": len(data), "blobId": blob}
    if len(data) >= LARGE:
        sha256 = hashlib.sha256(data).hexdigest()
        made["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 134}
    return made


class Handler(BaseHTTPRequestHandler):
    """One request; `hub` says what is served."""

    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path}")
        if self.hub.status:
            self._send(self.hub.status, b"{}", {"X-Error-Code": self.hub.error_code})
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"))
        elif path.startswith("/cdn/"):
            self._content(Path(path.removeprefix("/cdn")))
        else:
            self._resolve(path)

    def _describe(self, rest):
        name, _, revision = rest.partition("/revision/")
        if name not in self.hub.models:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("", "main", COMMIT):
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            self._send(200, json.dumps(self.hub.describe(name)).encode(), {})

    def _resolve(self, path):
        name, _, rest = path[1:].partition("/resolve/")
        file = self.hub.models[name] / rest.partition("/")[2]
        fact = _sibling(file, Path(file.name))
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{fact["blobId"]}"'}
        if "lfs" not in fact:
            self._content(file, headers)
            return
        headers["X-Linked-Size"] = str(fact["size"])
        headers["X-Linked-ETag"] = f'"{fact["lfs"]["sha256"]}"'
        # Another host, as the hub's own large files have.
        elsewhere = self.hub.url.replace("127.0.0.1", "localhost")
        headers["Location"] = f"{elsewhere}/cdn{file}"
        self._send(302, b"", headers)

    def _content(self, file, headers=None):
        data = file.read_bytes()
        if self.hub.lies:
            data = bytes(reversed(data))
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").partition("-")[0] or 0)
        status, extra = 200, dict(headers or {})
        if wanted:
            self.hub.ranges.append(wanted)
            status = 206
            extra["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(status, data[start:], extra)

    def _send(self, status, body, headers):
        self.send_response(status)
        for key, value in headers.items():
            if value:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.break_after is not None and len(body) > self.hub.break_after:
            body, self.hub.break_after = body[: self.hub.break_after], None
            self.close_connection = True
            self.wfile.write(body)
            self.connection.shutdown(1)
            return
        self.wfile.write(body)


@contextmanager
def serving(hub):
    """The hub while it answers; sets its `url`."""
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
