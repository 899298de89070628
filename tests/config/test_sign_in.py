"""The sign-in page in front of django-axes."""

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import throttling
from accounts.rate_counter import RateCounter

LOGIN = reverse("admin:login")
RIGHT = {"username": "root", "password": "a long password"}
WRONG = RIGHT | {"password": "another password"}
PROXY = {"REMOTE_ADDR": "172.30.0.7"}

pytestmark = pytest.mark.usefixtures("plain_static_files", "superuser")


@pytest.fixture(autouse=True)
def three_a_minute(settings):
    settings.RATE_LOGINS = "3/60"
    # No window ends in the middle of a test.
    with time_machine.travel(timezone.now(), tick=False):
        yield


def try_to_sign_in(times=1, *, data=WRONG, **extra):
    return [Client().post(LOGIN, data, **extra).status_code for _ in range(times)]


def test_an_attempt_too_many_is_a_429_that_says_why_on_the_page():
    assert try_to_sign_in(3) == [200] * 3

    response = Client().post(LOGIN, RIGHT)

    assert response.status_code == 429
    wait = response["Retry-After"]
    assert 1 <= int(wait) <= 60
    assert f"Too many sign-ins. Please try again in {wait} s." in response.text
    assert 'name="password"' in response.text


def test_an_attempt_too_many_costs_no_password_and_no_row(monkeypatch):
    try_to_sign_in(3)
    before = AccessAttempt.objects.get().failures_since_start
    monkeypatch.delattr("django.contrib.auth.forms.authenticate")

    assert try_to_sign_in() == [429]
    assert AccessAttempt.objects.get().failures_since_start == before


def test_below_the_limit_it_signs_in():
    try_to_sign_in(2)

    response = Client().post(LOGIN, RIGHT)

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_the_page_itself_is_not_counted():
    for _ in range(10):
        assert Client().get(LOGIN).status_code == 200

    assert try_to_sign_in(data=RIGHT) == [302]


def test_one_name_is_limited_from_everywhere():
    for number in range(9):
        assert try_to_sign_in(REMOTE_ADDR=f"203.0.113.{number}") == [200]

    assert try_to_sign_in(data=RIGHT, REMOTE_ADDR="203.0.113.99") == [429]


def test_forwarded_addresses_of_ones_own_making_do_not_help(settings):
    for number in range(3):
        forged = {"x-forwarded-for": f"198.51.100.{number}"}
        assert try_to_sign_in(headers=forged) == [200]
    assert try_to_sign_in(headers={"x-forwarded-for": "198.51.100.9"}) == [429]

    settings.TRUSTED_PROXIES = ["172.30.0.0/24"]
    for number in range(4):
        forged = {"x-forwarded-for": f"198.51.100.{number}, 203.0.113.9"}
        (status,) = try_to_sign_in(headers=forged, **PROXY)
    assert status == 429


def test_a_broken_cache_lets_people_sign_in(monkeypatch):
    def away(*_, **__):
        raise ConnectionError("refused")

    monkeypatch.setattr(throttling, "_counter", RateCounter())
    monkeypatch.setattr(caches["rate_limits"], "add", away)

    assert try_to_sign_in(5) == [200] * 5
    assert try_to_sign_in(data=RIGHT) == [302]
