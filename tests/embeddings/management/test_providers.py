"""What the commands about providers share."""

import pytest
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import CommandError

from embeddings.management.providers import _sentence, facts_of, provider_named
from tests.factories import make_provider


def test_a_provider_is_found_whatever_the_case(db) -> None:
    made = make_provider("Ours")

    assert provider_named("ours") == made
    with pytest.raises(CommandError):
        provider_named("nobody")


def test_facts_hold_no_credential(db, field_keys) -> None:
    made = make_provider(credential="sk-a")

    assert not {"sk-a", made.credential} & set(map(str, facts_of(made).values()))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValidationError("It is so."), "It is so."),
        (ValidationError({"url": "Bad.", NON_FIELD_ERRORS: "No."}), "url: Bad. No."),
    ],
    ids=["plain", "fields"],
)
def test_errors_become_one_sentence(error: ValidationError, sentence: str) -> None:
    assert _sentence(error) == sentence
