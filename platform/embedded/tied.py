"""Child processes that do not outlive their parent, where the system can see to it.

As a program, `python -m embedded.tied PARENT SIGNAL COMMAND…` becomes the command,
which gets the signal when the process with the id PARENT dies.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def tie_to_parent(
    signum: signal.Signals, *, parent: int | None = None
) -> Callable[[], None]:
    """What a new child calls before exec to get `signum` when its parent dies.

    `parent` is the caller's own process id unless told. Elsewhere than on Linux the
    call does nothing.
    """
    if not sys.platform.startswith("linux"):
        return _nothing
    # Looked up before the fork: afterwards another thread may hold the loader's lock.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    expected = os.getpid() if parent is None else parent

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != expected:  # It died in between.
            os._exit(1)

    return tie


def tied_command(command: list[str], *, signum: signal.Signals) -> list[str]:
    """The command that runs `command` tied to this process."""
    launcher = [sys.executable, "-m", "embedded.tied"]
    return [*launcher, str(os.getpid()), signum.name, *command]


def _nothing() -> None:
    """For systems without the call."""


def main(arguments: list[str]) -> None:
    """Tie this process to its parent and become the command."""
    parent, signal_name, *command = arguments
    tie_to_parent(signal.Signals[signal_name], parent=int(parent))()
    os.execvp(command[0], command)  # noqa: S606 -- becoming it is the point


if __name__ == "__main__":
    main(sys.argv[1:])
