"""A small server of embeddings, to be asked and watched."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Listener:
    """What a server was asked, and how it answers: a vector is a text's length."""

    url: str = ""
    status: int = 200
    has_length: bool = True
    asked: list = field(default_factory=list)
    keys: set = field(default_factory=set)
    at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body, key):
        with self._lock:
            self._now += 1
            self.at_once = max(self.at_once, self._now)
            self.asked.append(body)
            self.keys.add(key)
        data = [{"embedding": [float(len(text)), 1.0]} for text in body["input"]]
        with self._lock:
            self._now -= 1
        usage = {"prompt_tokens": sum(map(len, body["input"]))}
        return json.dumps({"data": data, "usage": usage}).encode()


@contextmanager
def listening(**options):
    """A server on a free port, as long as the context lasts."""
    listener = Listener(**options)

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"]))
            self._reply(
                listener.answer(json.loads(text), self.headers["Authorization"])
            )

        def do_GET(self):
            self._reply(json.dumps({"data": [{"id": "the-model"}]}).encode())

        def _reply(self, body):
            self.send_response(listener.status)
            if listener.has_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = not listener.has_length

        def log_message(self, *_):
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
