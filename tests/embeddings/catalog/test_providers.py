"""How providers are reached, and how operators learn of refusals."""

import logging
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet

from accounts.encryption import EncryptionError
from embeddings.catalog import providers
from embeddings.catalog.providers import (
    EVERY_S,
    clear_trouble,
    endpoint_of,
    note_trouble,
    note_unreadable,
)
from embeddings.models import Provider
from tests.factories import make_provider


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The module's time, with nothing written yet."""
    still = Clock()
    monkeypatch.setattr(providers, "time", still)
    providers._turns.forget()
    yield still
    providers._turns.forget()


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.message for line in caplog.records if line.levelno == logging.ERROR]


def test_an_endpoint_says_all_and_shows_no_secret(db, field_keys) -> None:
    made = make_provider(
        "ours",
        credential="sk-secret",
        url="http://gpu/v1",
        options={"organization": "o"},
        allowed_hosts=["GPU"],
        timeout_s=5.0,
        attempts=2,
        concurrency=4,
    )

    endpoint = endpoint_of(made)

    assert (endpoint.provider_id, endpoint.provider) == (made.pk, "ours")
    assert (endpoint.backend, endpoint.url) == ("openai", "http://gpu/v1")
    assert (endpoint.secret, endpoint.options) == ("sk-secret", {"organization": "o"})
    assert endpoint.allowed_hosts == {"gpu"}
    assert (endpoint.timeout_s, endpoint.attempts, endpoint.concurrency) == (5.0, 2, 4)
    assert "sk-secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "HTTP 401: it does not know the credential."),
        (402, "HTTP 402: it wants to be paid."),
        (418, "HTTP 418: it refused us."),
        (0, "It cannot be asked as it is set up; the log says why."),
    ],
)
def test_trouble_is_told_once_by_name(db, clock, caplog, status, told) -> None:
    made = make_provider("ours")

    for _ in range(3):
        note_trouble(made.pk, status)
        clock.now += EVERY_S

    made.refresh_from_db()
    assert made.trouble == told
    assert made.trouble_at is not None
    assert errors_in(caplog) == [f"Provider ours: {told}"]


def test_many_refusals_are_one_write(db, clock, django_assert_num_queries) -> None:
    made, other = make_provider(), make_provider()
    note_trouble(made.pk, 401)

    with django_assert_num_queries(0):
        for _ in range(100):
            note_trouble(made.pk, 403)
    note_trouble(other.pk, 403)

    assert Provider.objects.in_trouble().count() == 2


def test_trouble_ends_with_the_next_answer(db, clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    made = make_provider("ours")
    clear_trouble(made.pk)
    note_trouble(made.pk, 401)

    clear_trouble(made.pk)

    assert not Provider.objects.in_trouble().exists()
    assert "Provider ours takes calls again." in caplog.messages


def test_many_answers_are_one_look(db, clock, django_assert_num_queries) -> None:
    made = make_provider()
    clear_trouble(made.pk)

    with django_assert_num_queries(0):
        for _ in range(100):
            clear_trouble(made.pk)


def test_what_another_process_wrote_ends_too(db, clock) -> None:
    made = make_provider()
    clear_trouble(made.pk)
    note_trouble(made.pk, 401)
    providers._turns.forget()

    clear_trouble(made.pk)

    assert not Provider.objects.in_trouble().exists()


def test_trouble_that_begins_again_is_told_again(db, clock, caplog) -> None:
    made = make_provider()
    for _ in range(2):
        note_trouble(made.pk, 401)
        clear_trouble(made.pk)
        clock.now += EVERY_S

    assert len(errors_in(caplog)) == 2


def test_an_unreadable_credential_is_trouble(db, clock) -> None:
    made = make_provider()

    note_unreadable(made, EncryptionError("FIELD_KEYS is not set"))

    made.refresh_from_db()
    assert made.trouble == "Its credential cannot be read: FIELD_KEYS is not set."


def test_without_the_database_a_request_goes_on(db, clock, caplog, monkeypatch) -> None:
    made = make_provider()

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(QuerySet, "update", fail)

    note_trouble(made.pk, 401)
    clear_trouble(made.pk)

    assert "cannot be noted: gone" in caplog.text


def test_a_provider_that_was_deleted_is_no_trouble(db, clock) -> None:
    note_trouble(0, 401)
    clear_trouble(0)


def test_no_connection_is_left_behind(transactional_db, clock) -> None:
    made = make_provider()
    connection.close()

    note_trouble(made.pk, 401)

    assert connection.connection is None
    assert Provider.objects.in_trouble().get() == made
