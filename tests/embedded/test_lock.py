import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.lock import FileLock, InUseError

OWNER = """
import os, sys, time
from pathlib import Path
from embedded.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
if os.fork() == 0:
    time.sleep(60)
    os._exit(0)
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_second_owner_is_told_who_is_first(path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert owner.stdout is not None
    owner.stdout.readline()

    with pytest.raises(InUseError) as caught:
        FileLock(path).acquire()

    assert caught.value.owner == str(owner.pid)
    os.killpg(owner.pid, 9)
    owner.communicate()


def test_killed_owner_holds_nothing_even_if_a_fork_lives_on(path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    owner.kill()
    owner.wait()
    lock = FileLock(path)

    lock.acquire()

    assert lock.was_abandoned
    lock.release()
    os.killpg(owner.pid, 9)
    owner.communicate()


def test_released_lock_was_not_abandoned(path: Path) -> None:
    first = FileLock(path)
    first.acquire()
    first.release()
    second = FileLock(path)

    second.acquire()

    assert not second.was_abandoned
    second.release()
