"""The people who sign in to the admin."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """An operator of the platform; custom from the first migration on."""
