"""Converted networks on disk: made once for all processes, checked before use."""

import fcntl
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NETWORK = "network.xml"
CONTENTS = "contents.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """One network's folder in the cache.

    `versions` name what a conversion depends on beside the network: one that was made
    with others is made anew. A trial is a precision on a kind of processor.
    """

    folder: Path
    versions: Mapping[str, str]

    @property
    def network(self) -> Path:
        """Where the network's file lies once it is made."""
        return self.folder / NETWORK

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes and threads from making the same conversion."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def path(self) -> Path | None:
        """The network's file; None where there is none that is whole and current."""
        contents = _read(self.folder / CONTENTS)
        digests = contents.get("files")
        if contents.get("versions") != self.versions or not isinstance(digests, dict):
            return None
        try:
            are_whole = digests == _digests(self.folder, digests)
        except OSError:
            return None
        return self.network if are_whole else None

    def write(self, convert: Callable[[Path], None]) -> None:
        """Replace the folder by what `convert` writes, in one step; needs the lock.

        Raises what `convert` raises, and `OSError`; neither leaves anything behind.
        """
        parent = self.folder.parent
        with tempfile.TemporaryDirectory(prefix=".new-", dir=parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            convert(made / NETWORK)
            files = _digests(made, [path.name for path in made.iterdir()])
            _write(made / CONTENTS, {"versions": self.versions, "files": files})
            if self.folder.exists():
                # Those who have the old files open keep them until they close them.
                self.folder.rename(Path(scratch) / "old")
            made.rename(self.folder)

    def verdict(self, trial: str) -> str | None:
        """Why the network must not be used so, empty where it may be.

        None: nobody has tried, or with other versions.
        """
        judged = _read(self.folder / f"{trial}.json")
        refusal = judged.get("refusal")
        is_current = judged.get("versions") == self.versions
        return refusal if is_current and isinstance(refusal, str) else None

    def judge(self, trial: str, refusal: str) -> None:
        """Keep a verdict for all processes, until the versions change."""
        self.folder.mkdir(parents=True, exist_ok=True)
        judged = {"versions": self.versions, "refusal": refusal}
        _write(self.folder / f"{trial}.json", judged)


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        with (folder / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _read(path: Path) -> Mapping[str, Any]:
    """A file's object; empty where there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(value, file, indent=1)
    Path(file.name).replace(path)
