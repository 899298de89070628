"""A server over a real socket that answers what a test wrote for it, and a clock."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from embeddings.clients import server as client_server
from embeddings.clients.server import DOCUMENTS, Server, Settings

KEY = "emb_live_not-a-real-one"
VARIABLE = "PLATFORM_KEY_FOR_TESTS"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is sent back; a broken one ends in the middle, a dropped one never starts.

    Without a body, every text of the request gets the vector [its length, 1].
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_dropped: bool = False
    is_broken: bool = False


GOOD = Answer()
DROPPED = Answer(is_dropped=True)
BROKEN = Answer(is_broken=True)


def refusal(status: int, **headers: str) -> Answer:
    """In the platform's shape."""
    body = json.dumps({"error": f"no, because of {status}"}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body=body, headers=named)


def said(**body: object) -> Answer:
    """A 200 with this object."""
    return Answer(body=json.dumps(body).encode())


@dataclass
class Script:
    """Answers in their turn, then good ones; `asked` are the requests' bodies."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[list[str]]:
        return [body["texts"] for body in self.asked]


def server_at(script, **more) -> Server:
    settings = {"model": "all-minilm", "api_key_env_var": VARIABLE, **more}
    return Server(Settings(url=script.url, **settings), "/embed")


def embed(script, texts=("hello",), target=DOCUMENTS, **more):
    return list(server_at(script, **more).embed(texts, target))


class Handler(BaseHTTPRequestHandler):
    """One connection of the client."""

    protocol_version = "HTTP/1.1"
    script: Script

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.script.asked.append(body)
        self.script.headers.append(
            {name.lower(): value for name, value in self.headers.items()}
        )
        self.script.paths.append(self.path)
        answer = self.script.answers.pop(0) if self.script.answers else GOOD
        if answer.is_dropped:
            self.close_connection = True
            return
        vectors = [[float(len(text)), 1.0] for text in body["texts"]]
        plain = json.dumps({"embeddings": vectors, "num_tokens": 1}).encode()
        content = plain if answer.body is None else answer.body
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content) + answer.is_broken))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = answer.is_broken


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A server that does as it is told, and the key in the environment."""
    monkeypatch.setenv(VARIABLE, f" {KEY}\n")
    script = Script()
    handler = type("ScriptedHandler", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Clock:
    """Stands still but for the waits, which it keeps."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The client's own time; its waits are as long as they may get."""
    clock = Clock()
    time = SimpleNamespace(sleep=clock.sleep, monotonic=lambda: clock.now)
    spread = SimpleNamespace(uniform=lambda _, most: most)
    monkeypatch.setattr(client_server, "time", time)
    monkeypatch.setattr(client_server, "random", spread)
    return clock
