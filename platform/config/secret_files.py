"""Secrets that must survive: files that only their owner reads."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

#: Names inside DATA_DIR.
SECRET_KEY = "secret-key"  # noqa: S105 -- a file's name
FIELD_KEYS = "field-keys"


def read(name: str, *, default: Path | None = None) -> str:
    """The environment's NAME, else the text of NAME_FILE, else of `default`, else "".

    Raises `ImproperlyConfigured` when NAME_FILE cannot be read.
    """
    value = os.environ.get(name, "")
    if value:
        return value
    path = os.environ.get(f"{name}_FILE", "")
    if path:
        try:
            return Path(path).read_text("utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {error}") from error
    try:
        return default.read_text("utf-8").strip() if default else ""
    except OSError:
        return ""


def write(path: Path, text: str) -> None:
    """Write a file with mode 0600 that is there whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 -- descriptor
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def ensure(folder: Path) -> None:
    """Make the secrets that a first run lacks; existing ones stay."""
    makers: dict[str, Callable[[], str]] = {
        SECRET_KEY: lambda: secrets.token_urlsafe(64),
        FIELD_KEYS: lambda: Fernet.generate_key().decode("ascii"),
    }
    for name, make in makers.items():
        if not (folder / name).exists():
            write(folder / name, make())
