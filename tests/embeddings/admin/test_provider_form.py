"""A credential goes into the form and never comes out of it."""

import pytest
from django.utils import timezone

from embeddings.admin.provider_form import ProviderForm
from embeddings.models import Provider
from tests.factories import make_provider

pytestmark = pytest.mark.django_db
SECRET = "sk-very-secret"
ENTERED = {
    "name": "ours",
    "kind": "openai",
    "url": "",
    "options": "{}",
    "allowed_hosts": [],
    "timeout_s": "30",
    "attempts": "3",
    "concurrency": "8",
    "is_enabled": "on",
}


class Data(dict):
    """What a browser sends, with lists where there are several."""

    def getlist(self, name):
        value = self.get(name, [])
        return value if isinstance(value, list) else [value]


def form_of(instance: Provider | None = None, **entered) -> ProviderForm:
    return ProviderForm(Data(ENTERED | entered), instance=instance)


def test_a_new_credential_is_kept_encrypted(field_keys) -> None:
    form = form_of(new_credential=f" {SECRET} ")

    assert form.is_valid(), form.errors
    assert form.save().secret() == SECRET
    assert SECRET not in str(form)


def test_an_empty_field_keeps_it_and_says_since_when(field_keys) -> None:
    made = make_provider("ours", credential=SECRET)
    kept = made.credential

    form = form_of(made, attempts="5")

    assert f"Set {made.credential_set_at:%Y-%m-%d %H:%M} UTC" in str(form)
    assert form.is_valid()
    assert form.save().credential == kept


def test_without_one_the_form_says_so() -> None:
    assert "None is set" in str(form_of())


def test_a_switch_removes_it(field_keys) -> None:
    form = form_of(make_provider("ours", credential=SECRET), remove_credential="on")

    assert form.is_valid()
    assert not form.save().has_credential


def test_a_change_begins_anew() -> None:
    made = make_provider("ours", trouble="HTTP 401", trouble_at=timezone.now())
    unchanged = form_of(made)
    assert unchanged.is_valid()
    assert unchanged.changed_data == []
    assert unchanged.save().trouble == "HTTP 401"

    form = form_of(made, attempts="1")

    assert form.is_valid()
    assert form.save().trouble == ""


@pytest.mark.parametrize(
    ("entered", "field", "complaint"),
    [
        ({"url": "https://elsewhere.com"}, "new_credential", "Enter it again"),
        ({"kind": "cohere"}, "new_credential", "Enter it again"),
        (
            {"new_credential": "sk-b", "remove_credential": "on"},
            "new_credential",
            "Either",
        ),
        ({"new_credential": "s\u00e9cret"}, "new_credential", "one line"),
        ({"url": "http://a.com", "new_credential": "sk-b"}, "url", "begins with https"),
        ({"allowed_hosts": ["a/b"]}, "allowed_hosts", "is no host"),
        ({"options": '{"a": 1}'}, "options", "texts by name"),
        ({"options": "{"}, "options", "valid JSON"),
        ({"name": "TAKEN"}, "__all__", "A provider with this name exists."),
        ({"attempts": "11"}, "__all__", "1 to 10 tries"),
    ],
    ids=[
        "moved",
        "another-kind",
        "both",
        "accent",
        "http",
        "host",
        "options",
        "json",
        "taken",
        "attempts",
    ],
)
def test_what_cannot_be_is_refused(field_keys, entered, field, complaint) -> None:
    make_provider("taken")
    made = make_provider("ours", credential=SECRET)

    form = form_of(made, **entered)

    assert not form.is_valid()
    assert complaint in str(form.errors[field])


def test_the_same_host_may_have_another_path(field_keys) -> None:
    made = make_provider("ours", credential=SECRET, url="https://a.com/v1")

    assert form_of(made, url="https://a.com/v2").is_valid()
    assert not form_of(made, url="https://a.com:444/v1").is_valid()


def test_without_keys_it_is_an_error_and_nothing_is_lost(settings) -> None:
    settings.FIELD_KEYS = []

    form = form_of(new_credential=SECRET)

    assert "FIELD_KEYS is not set" in str(form.errors["new_credential"])
    assert SECRET not in str(form.errors)
