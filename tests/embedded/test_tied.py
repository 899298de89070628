import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from embedded.tied import tie_to_parent, tied_command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a call of Linux")

CHILD = "import time; print('up', flush=True); time.sleep(60)"
PARENT = f"""
import signal, subprocess, sys
from embedded.tied import tied_command
command = tied_command([sys.executable, "-c", {CHILD!r}], signum=signal.SIGTERM)
child = subprocess.Popen(command)
print(child.pid, flush=True)
child.wait()
"""


def test_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    assert parent.stdout.readline() == b"up\n"

    parent.kill()

    # The pipe ends when its last holder, the child, has ended.
    assert parent.stdout.read() == b""
    parent.communicate()


def test_command_runs_with_its_arguments() -> None:
    command = tied_command(["echo", "a  b"], signum=signal.SIGTERM)

    done = subprocess.run(command, capture_output=True, check=True)

    assert done.stdout == b"a  b\n"


def test_orphan_does_not_start() -> None:
    tie: Callable[[], None] = tie_to_parent(signal.SIGTERM, parent=1 << 22)
    child = os.fork()
    if child == 0:
        tie()
        os._exit(0)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 1
