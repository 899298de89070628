"""A tree of child processes that lives and dies as one.

honcho's printer and colours show what they say. Its manager is not used: it puts a
fork between us and the child, signals whole process groups, and waits for ever when
none of the children stops.
"""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from embedded.tied import tied_command

#: From the wish to stop until what still runs is killed.
STOP_TIMEOUT_S = 7.5
POLL_S = 0.1
LAST_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A part of the tree that ended by itself, and the last it said."""

    name: str
    returncode: int
    last_words: str

    def __str__(self) -> str:
        return f"{self.name} ended with code {self.returncode}:\n{self.last_words}"


@dataclass(frozen=True, slots=True)
class _Line:
    child: "_Child"
    text: bytes


@dataclass(frozen=True, slots=True)
class _Notice:
    text: str


class _Stop:
    """The wish that everything ends."""


@dataclass(slots=True, eq=False)
class _Child:
    name: str
    colour: str
    process: subprocess.Popen[bytes]
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class Tree:
    """Children that are started, printed, watched and stopped together.

    All printing happens in the thread that runs the tree; `stop`, `notice` and `fail`
    may be called from anywhere, signal handlers included.
    """

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._colours = get_colours()
        self._children: list[_Child] = []
        # The one queue that may be put to from a signal handler.
        self._events: queue.SimpleQueue[_Line | _Notice | _Stop | Death] = (
            queue.SimpleQueue()
        )
        self._readers: list[threading.Thread] = []

    def start(
        self, name: str, command: list[str], *, environment: Mapping[str, str]
    ) -> None:
        """Start a child; it gets SIGTERM when this process dies."""
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            tied_command(command, signum=signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            # Ctrl-C is for us; the children are stopped in order.
            start_new_session=True,
        )
        child = _Child(name, next(self._colours), process)
        self._children.append(child)
        self._printer.width = max(self._printer.width, len(name))
        # The child is tied to the thread that started it, so that only reads.
        reader = threading.Thread(target=self._read, args=[child], daemon=True)
        reader.start()
        self._readers.append(reader)

    def stop(self) -> None:
        """Ask for the end of everything."""
        self._events.put(_Stop())

    def notice(self, text: str) -> None:
        """Have a text printed as it is."""
        self._events.put(_Notice(text))

    def fail(self, death: Death) -> None:
        """Report the death of something that is not a child, and stop."""
        self._events.put(death)

    def run(self) -> Death | None:
        """Print and watch until everything has ended; what ended first, unasked."""
        death: Death | None = None
        kill_at: float | None = None
        try:
            while self._running() or kill_at is None:
                event = self._next_event()
                if kill_at is None:
                    death = event if isinstance(event, Death) else self._find_dead()
                    if death or isinstance(event, _Stop):
                        kill_at = time.monotonic() + STOP_TIMEOUT_S
                        self._signal_running(signal.SIGTERM)
                elif time.monotonic() > kill_at:
                    break
        finally:
            self._kill_groups()
        self._print_rest()
        return death

    def _running(self) -> list[_Child]:
        return [child for child in self._children if child.process.poll() is None]

    def _next_event(self) -> _Line | _Notice | _Stop | Death | None:
        """Print what comes next, if it is for printing, and return it."""
        try:
            event = self._events.get(timeout=POLL_S)
        except queue.Empty:
            return None
        self._print(event)
        return event

    def _print(self, event: _Line | _Notice | _Stop | Death) -> None:
        match event:
            case _Line(child=child, text=text):
                child.last_lines.append(text.decode("utf-8", "replace").rstrip())
                self._printer.write(
                    Message("line", text, datetime.now(), child.name, child.colour)  # noqa: DTZ005 -- for people
                )
            case _Notice(text=text):
                self._printer.output.write(f"{text}\n")
                self._printer.output.flush()

    def _print_rest(self) -> None:
        """Print what the ended children still said."""
        for reader in self._readers:
            reader.join(1.0)
        with contextlib.suppress(queue.Empty):
            while True:
                self._print(self._events.get_nowait())

    def _find_dead(self) -> Death | None:
        for child in self._children:
            returncode = child.process.poll()
            if returncode is not None:
                self._print_rest_of(child)
                words = "\n".join(child.last_lines)
                return Death(name=child.name, returncode=returncode, last_words=words)
        return None

    def _print_rest_of(self, dead: _Child) -> None:
        """Print the lines that a dead child left in the pipe."""
        index = self._children.index(dead)
        # Grandchildren may hold the pipe open for longer.
        self._readers[index].join(0.5)
        with contextlib.suppress(queue.Empty):
            while True:
                self._print(self._events.get_nowait())

    def _signal_running(self, signum: signal.Signals) -> None:
        for child in self._running():
            child.process.send_signal(signum)

    def _kill_groups(self) -> None:
        """Kill what is left of the children and of theirs."""
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()

    def _read(self, child: _Child) -> None:
        assert child.process.stdout is not None  # noqa: S101 -- it is a pipe
        with child.process.stdout as output:
            for line in output:
                self._events.put(_Line(child, line))
