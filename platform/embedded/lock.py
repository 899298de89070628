"""One owner at a time for a folder of files."""

import fcntl
import os
from pathlib import Path
from typing import IO


class InUseError(Exception):
    """Another process owns the lock; `owner` is its id, as it wrote it."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        super().__init__(f"in use by process {owner}")


class FileLock:
    """A lock that ends with its process, however that ends.

    Once acquired, `was_abandoned` says that the last owner was killed holding it.

    A record lock, because a forked child would share a flock and keep it when its
    parent is killed.
    """

    def __init__(self, path: Path) -> None:
        self.was_abandoned = False
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Own the lock from now on; raises `InUseError`."""
        file = self._path.open("a+")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read().strip()
            file.close()
            raise InUseError(owner) from error
        file.seek(0)
        self.was_abandoned = bool(file.read().strip())
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go of the lock, if it is ours."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None
