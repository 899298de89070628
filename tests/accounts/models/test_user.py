"""The custom user model."""

from django.contrib.auth import get_user_model

from accounts.models import User


def test_is_the_one_that_signs_in():
    assert get_user_model() is User
