"""The tenant `demo` with its key, and the first administrator."""

import secrets
from pathlib import Path

from django.db import transaction

from accounts.models import ApiKey, Tenant, User
from accounts.secrets import digest_of
from config import secret_files
from embeddings.catalog.grants import grant_everything

SLUG = "demo"
KEY_NAME = "demo key"
ADMIN = "admin"
PASSWORD_BYTES = 15


def ensure_tenant(key_file: Path) -> None:
    """The tenant, granted every enabled model, with a working key in `key_file`.

    A deleted file gets a new key; the old one is revoked.
    """
    tenant, _ = Tenant.objects.get_or_create(slug=SLUG, defaults={"name": "Demo"})
    grant_everything(tenant)
    keys = ApiKey.objects.for_tenant(tenant).filter(name=KEY_NAME)
    secret = key_file.read_text("utf-8").strip() if key_file.exists() else ""
    if secret and keys.active().filter(digest=digest_of(secret)).exists():
        return
    with transaction.atomic():
        keys.revoke()
        issued = ApiKey.objects.issue(tenant=tenant, name=KEY_NAME)
        # Inside, so that a key that nobody could read is not issued.
        secret_files.write(key_file, issued.secret)


def ensure_admin() -> str | None:
    """Create the administrator where there is none; returns the new password."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    User.objects.create_superuser(ADMIN, password=password)
    return password
