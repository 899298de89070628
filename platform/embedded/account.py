"""The system account that PostgreSQL runs under: it refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

#: Accounts that a server started by root runs under, the first that exists.
UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A system account; `is_other` when it is not the one of this process."""

    name: str
    uid: int
    gid: int
    is_other: bool

    @property
    def popen_options(self) -> dict[str, object]:
        """Keyword arguments that make `subprocess` run as this account."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give `path` to this account; needs root unless it is ours already."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)

    def may_enter(self, folder: Path) -> bool:
        """Whether the mode bits let this account walk through `folder`."""
        entry = folder.stat()
        if entry.st_uid == self.uid:
            return bool(entry.st_mode & stat.S_IXUSR)
        if entry.st_gid == self.gid:
            return bool(entry.st_mode & stat.S_IXGRP)
        return bool(entry.st_mode & stat.S_IXOTH)

    def closed_folder_above(self, path: Path) -> Path | None:
        """The topmost existing folder above `path` that this account cannot enter."""
        if not self.is_other:
            return None
        folders = [folder for folder in path.resolve().parents if folder.is_dir()]
        return next(
            (folder for folder in reversed(folders) if not self.may_enter(folder)),
            None,
        )


def server_account() -> Account:
    """The account to run PostgreSQL under: ours, or an unprivileged one for root.

    Raises `LookupError` with a sentence when there is none.
    """
    uid = os.geteuid()
    if uid != 0:
        try:
            return _account(pwd.getpwuid(uid), is_other=False)
        except KeyError:
            raise LookupError(
                f"user id {uid} has no entry in the system's list of users, "
                "which PostgreSQL needs"
            ) from None
    for name in UNPRIVILEGED:
        try:
            return _account(pwd.getpwnam(name), is_other=True)
        except KeyError:
            continue
    names = " or ".join(UNPRIVILEGED)
    raise LookupError(f"PostgreSQL refuses to run as root and there is no user {names}")


def _account(entry: pwd.struct_passwd, *, is_other: bool) -> Account:
    return Account(
        name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, is_other=is_other
    )
