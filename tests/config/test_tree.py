import io
import os
import signal
import sys
import threading

import pytest
from honcho.printer import Printer

from config import tree as tree_module
from config.tree import Death, Tree

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
# A child whose own child holds its output open.
PARENT = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
sys.exit(4)
"""


class Output(io.StringIO):
    """Collects what is printed and says when a word appears."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word
        self.seen = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._word in self.getvalue():
            self.seen.set()
        return written


def tree_of(*scripts: str, output: io.StringIO) -> Tree:
    tree = Tree(Printer(output))
    for index, script in enumerate(scripts):
        command = [sys.executable, "-c", script]
        tree.start(f"part{index}", command, environment=os.environ)
    return tree


def test_dead_child_stops_the_tree_with_its_last_words() -> None:
    output = io.StringIO()
    tree = tree_of(SLEEP, "import sys; print('I am ill'); sys.exit(3)", output=output)

    death = tree.run()

    assert death == Death(name="part1", returncode=3, last_words="I am ill")
    assert "part1 ended with code 3:\nI am ill" in str(death)
    assert "part1 | I am ill" in output.getvalue()


@pytest.mark.parametrize("stop_by", ["call", "signal"])
def test_wish_to_stop_ends_everything_and_is_no_death(stop_by: str) -> None:
    output = Output("part0 | up")
    tree = tree_of(SLEEP, output=output)
    before = signal.signal(signal.SIGUSR1, lambda *_: tree.stop())

    def stop_when_up() -> None:
        output.seen.wait(30)
        if stop_by == "call":
            tree.stop()
        else:
            os.kill(os.getpid(), signal.SIGUSR1)

    stopper = threading.Thread(target=stop_when_up)
    stopper.start()
    death = tree.run()

    assert death is None
    stopper.join()
    signal.signal(signal.SIGUSR1, before)


def test_child_that_will_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "STOP_TIMEOUT_S", 0.3)
    output = Output("part0 | up")
    tree = tree_of(STUBBORN, output=output)
    stopper = threading.Thread(target=lambda: (output.seen.wait(30), tree.stop()))
    stopper.start()

    assert tree.run() is None

    stopper.join()


def test_grandchild_does_not_hide_a_death_nor_outlive_it() -> None:
    tree = tree_of(PARENT, output=io.StringIO())

    death = tree.run()

    assert death is not None
    assert death.returncode == 4


def test_outside_failure_stops_the_tree() -> None:
    tree = tree_of(SLEEP, output=io.StringIO())
    outside = Death(name="postgres", returncode=1, last_words="no disk")

    tree.fail(outside)

    assert tree.run() == outside


def test_notice_is_printed_as_it_is() -> None:
    output = io.StringIO()
    tree = tree_of(SLEEP, output=output)
    tree.notice("  curl …")
    tree.stop()

    tree.run()

    assert "\n  curl …\n" in f"\n{output.getvalue()}"
