import os
from pathlib import Path

import pytest

from embedded.account import Account, server_account

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
STRANGER = Account(name="stranger", uid=54321, gid=54321, is_other=True)


def test_server_never_runs_as_root() -> None:
    account = server_account()

    assert account.uid != 0
    assert account.is_other == (os.geteuid() == 0)


def test_own_account_needs_no_change() -> None:
    mine = Account(name="me", uid=os.geteuid(), gid=os.getegid(), is_other=False)

    assert mine.popen_options == {}
    assert mine.closed_folder_above(Path("/root/x")) is None


def test_other_account_is_asked_of_subprocess() -> None:
    options = STRANGER.popen_options

    assert options == {"user": 54321, "group": 54321, "extra_groups": []}


@pytest.mark.parametrize(
    ("mode", "may"), [(0o700, False), (0o710, False), (0o701, True)], ids=oct
)
def test_mode_bits_say_who_may_enter(tmp_path: Path, mode: int, may: bool) -> None:
    tmp_path.chmod(mode)

    assert STRANGER.may_enter(tmp_path) is may


@needs_root
def test_group_may_enter(tmp_path: Path) -> None:
    os.chown(tmp_path, -1, STRANGER.gid)
    tmp_path.chmod(0o710)

    assert STRANGER.may_enter(tmp_path)


def test_topmost_closed_folder_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if not STRANGER.may_enter(folder):
            expected = folder
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    assert STRANGER.closed_folder_above(inner / "file") == expected
