"""Re-encrypt the credentials of providers."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from accounts.encryption import EncryptionError, encrypt
from accounts.management.base import PlatformCommand
from embeddings.catalog.credentials import rotate


class Command(PlatformCommand):
    """Puts every credential under the first of FIELD_KEYS; then the others may go."""

    help = "Re-encrypt providers' credentials with the first of FIELD_KEYS."

    def handle(self, *_: Any, **_options: Any) -> None:
        """Fails, with the rest done, if some credential cannot be read."""
        try:
            encrypt("")
        except EncryptionError as error:
            raise CommandError(f"Nothing was re-encrypted: {error}.") from error
        done = rotate()
        self.emit(
            asdict(done),
            text=f"Re-encrypted {done.renewed}; {done.current} were under the first "
            "key already.",
        )
        if done.unreadable:
            names = ", ".join(done.unreadable)
            raise CommandError(f"None of the keys opens the credential of {names}.")
