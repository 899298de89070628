"""Static files for the admin and the docs, gathered when they have changed."""

import hashlib

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

from config import secret_files

FINGERPRINT = ".fingerprint"
#: Pages that we do not serve; compressing their scripts would take the longest.
UNUSED = ("redoc", "rest_framework")


def collect_if_changed() -> bool:
    """Gather and compress them into STATIC_ROOT; false when they were up to date."""
    found = settings.STATIC_ROOT / FINGERPRINT
    current = fingerprint()
    if found.exists() and found.read_text("ascii").strip() == current:
        return False
    call_command(
        "collectstatic", interactive=False, verbosity=0, ignore_patterns=list(UNUSED)
    )
    secret_files.write(found, current)
    return True


def fingerprint() -> str:
    """SHA-256 over every source file's name, size and time of change."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in finders.get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            size = storage.size(path)
            changed_at = storage.get_modified_time(path).timestamp()
            digest.update(f"{path}\0{size}\0{changed_at}\n".encode())
    return digest.hexdigest()
