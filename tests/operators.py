"""People who work in the admin, of several ranks, signed in."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from accounts.models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
SignIn = Callable[..., Client]


@pytest.fixture
def plain_static_files(settings: Settings) -> None:
    """Serve static files from where they lie; tests collect none."""
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": PLAIN}}


@pytest.fixture
def quick_passwords(settings: Settings) -> None:
    """Digest passwords in no time; how well is not what these tests ask."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def superuser(db: None, quick_passwords: None) -> User:
    """Somebody who may do everything."""
    return User.objects.create_superuser("root", "root@example.test", "a long password")


@pytest.fixture
def root(superuser: User, plain_static_files: None) -> Client:
    """A superuser's browser."""
    client = Client()
    client.force_login(superuser, BACKEND)
    return client


@pytest.fixture
def staff(db: None, quick_passwords: None, plain_static_files: None) -> SignIn:
    """Sign in an operator who holds just the permissions named, `app.codename`."""

    def sign_in(*permissions: str, name: str = "clerk") -> Client:
        user = User.objects.create_user(name, password="a long password", is_staff=True)
        for permission in permissions:
            app, codename = permission.split(".")
            held = Permission.objects.get(
                content_type__app_label=app, codename=codename
            )
            user.user_permissions.add(held)
        client = Client()
        client.force_login(user, BACKEND)
        return client

    return sign_in
