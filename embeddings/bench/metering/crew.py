"""Processes that admit and settle, as their parent sees them."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from embeddings.bench.scratch import Scratch, ScratchError

START = """
import django
django.setup()
from embeddings.bench.metering import worker
worker.main()
"""


class Worker:
    """One process of the crew; what it writes of served events is kept."""

    def __init__(self, platform: Scratch) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- ourselves
            [sys.executable, "-c", START],
            env=platform.environment | {"LOG_LEVEL": "CRITICAL"},
            cwd=platform.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._events = bytearray()

    def send(self, do: str, **options: Any) -> None:
        """Give a command, without waiting for its answer."""
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        self._process.stdin.write(json.dumps({"do": do, **options}).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The answer to the last command; raises `ScratchError` where there is none.

        What is told of events meanwhile is read, so that nobody waits for a pipe.
        """
        self._read_events(until_answer=True)
        assert self._process.stdout is not None  # noqa: S101 -- it is a pipe
        line = self._process.stdout.readline()
        if not line:
            words = self._events.decode("utf-8", "replace")[-1000:]
            raise ScratchError(f"a metering process ended: {words}")
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, do: str, **options: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.send(do, **options)
        return self.answer()

    def kill(self) -> list[str]:
        """End it at once, as `kill -9` does; the events that it told of."""
        self._process.send_signal(signal.SIGKILL)
        return self._leave()

    def close(self) -> list[str]:
        """Let it end in order; the events that it told of and were not read yet."""
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        return self._leave()

    def events(self) -> list[str]:
        """The events told of since the last time; a line that broke off is none."""
        self._read_events(until_answer=False)
        *lines, rest = bytes(self._events).split(b"\n")
        self._events = bytearray(rest)
        return [line.decode("ascii") for line in lines]

    def _leave(self) -> list[str]:
        """What is left to read of a process that ends."""
        process = self._process
        while process.poll() is None:
            self._read_events(until_answer=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        told = self.events()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        return told

    def _read_events(self, *, until_answer: bool) -> None:
        """Read what is told, until there is an answer, or nothing more for now."""
        assert self._process.stdout is not None  # noqa: S101 -- they are pipes
        assert self._process.stderr is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stderr, selectors.EVENT_READ)
            if until_answer:
                selector.register(self._process.stdout, selectors.EVENT_READ)
            while ready := selector.select(None if until_answer else 0.0):
                for key, _ in ready:
                    if key.fileobj is self._process.stdout:
                        return
                    part = os.read(self._process.stderr.fileno(), 1 << 16)
                    if not part:
                        selector.unregister(self._process.stderr)
                        if not until_answer:
                            return
                    self._events += part


@contextlib.contextmanager
def crew(platform: Scratch, *, size: int) -> Iterator[list[Worker]]:
    """Several workers, ended with the context."""
    workers = [Worker(platform) for _ in range(size)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()
