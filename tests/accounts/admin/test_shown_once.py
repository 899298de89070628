"""A secret between a form and a page."""

import time_machine
from django.contrib.sessions.backends.db import SessionStore

from accounts.admin import shown_once


def test_it_opens_once(db):
    session = SessionStore()
    token = shown_once.seal(session, "secret")

    assert shown_once.unseal(session, token) == "secret"
    assert shown_once.unseal(session, token) is None


def test_the_session_alone_gives_nothing_away(db):
    session = SessionStore()

    token = shown_once.seal(session, "secret")

    assert "secret" not in str(list(session.values()))
    assert token not in str(list(session.values()))


def test_opening_removes_it_from_the_database(db):
    session = SessionStore()
    token = shown_once.seal(session, "secret")
    session.save()

    shown_once.unseal(session, token)

    assert not list(SessionStore(session.session_key).keys())


def test_a_wrong_token_spends_it(db):
    session = SessionStore()
    token = shown_once.seal(session, "secret")

    assert shown_once.unseal(session, "no token") is None
    assert shown_once.unseal(session, token) is None


def test_it_does_not_wait_for_ever(db):
    session = SessionStore()
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        token = shown_once.seal(session, "secret")

    with time_machine.travel("2026-01-01T00:05:01Z", tick=False):
        assert shown_once.unseal(session, token) is None
