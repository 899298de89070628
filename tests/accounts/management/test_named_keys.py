"""One key by its id, as shown or by its secret; the commands test the refusals."""

import pytest
from django.core.management.base import CommandError

from accounts.management.named_keys import key_named
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "form", ["{0.pk}", "{0.prefix}…{0.last4}", "{0.prefix}...{0.last4}"]
)
def test_one_key_has_several_names(form):
    make_api_key()
    key = make_api_key().api_key

    assert key_named(form.format(key)) == key


def test_what_names_nothing_is_refused():
    with pytest.raises(CommandError, match="There is no such key"):
        key_named("1")
