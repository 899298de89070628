from importlib.machinery import ModuleSpec

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from pytest_django import Settings

from config import checks

GOOD_KEY = "a-long-key-of-many-letters-" * 3


def found(**kwargs: object) -> set[str]:
    messages = run_checks(**kwargs)
    return {message.id for message in messages if message.id.startswith("config.")}


def test_sound_settings_pass() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("changes", "identifier"),
    [
        ({"SECRET_KEY": ""}, "config.E001"),
        ({"SECRET_KEY": "short"}, "config.E002"),
        ({"FIELD_KEYS": ["nonsense"]}, "config.E003"),
        ({"DEBUG": True, "WEB_BIND": "0.0.0.0:8000"}, "config.E004"),
        ({"ALLOWED_HOSTS": ["*"]}, "config.E005"),
        ({"TRUSTED_PROXIES": ["everyone"]}, "config.E006"),
        ({"WEB_THREADS": 0}, "config.E007"),
        ({"ENGINE_DEVICE": "gpu"}, "config.E011"),
        ({"ENGINE_RUNTIME": "onnx"}, "config.E012"),
        ({"RATE_FAILED_KEYS": "5/w"}, "config.E013"),
        ({"RATE_LOGINS": "1k/60"}, "config.E013"),
        ({"RATE_BURST": "600/0"}, "config.E013"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unsound_settings_are_named(
    settings: Settings, changes: dict[str, object], identifier: str
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    functions = [
        checks.check_secrets,
        checks.check_exposure,
        checks.check_numbers,
        checks.check_engine,
        checks.check_rates,
    ]
    messages = [message for function in functions for message in function(None)]

    assert [message.id for message in messages] == [identifier]


@pytest.mark.parametrize(
    ("url", "is_installed", "identifiers"),
    [
        ("redis://cache:6379/0", True, []),
        ("redis://cache:6379/0", False, ["config.E015"]),
        ("cache:6379", True, ["config.E014"]),
        ("", False, []),
    ],
)
def test_redis_needs_a_url_and_its_client(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    is_installed: bool,
    identifiers: list[str],
) -> None:
    settings.REDIS_URL = url
    found = ModuleSpec("redis", None) if is_installed else None
    monkeypatch.setattr(checks, "find_spec", lambda _: found)

    messages = checks.check_rates(None)

    assert [message.id for message in messages] == identifiers
    assert not any(url and url in str(message) for message in messages)


@pytest.mark.parametrize(
    ("name", "value", "identifier"),
    [("NAME", "", "config.E008"), ("ENGINE", "sqlite3", "config.E009")],
)
def test_unusable_database_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, identifier: str
) -> None:
    monkeypatch.setitem(django_settings.DATABASES["default"], name, value)

    messages = checks.check_database_is_set(None)

    assert [message.id for message in messages] == [identifier]


@pytest.mark.parametrize(
    ("bind", "local"),
    [
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("unix:/run/web", True),
        ("0.0.0.0:8000", False),
        ("10.0.0.1:80", False),
    ],
)
def test_local_addresses_are_known(bind: str, local: bool) -> None:
    assert checks.is_local(bind) is local


@pytest.mark.django_db
def test_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_database_version(None, databases=["default"]) == []

    monkeypatch.setattr(checks, "POSTGRES_MAJOR", 99)

    messages = checks.check_database_version(None, databases=["default"])
    assert [message.id for message in messages] == ["config.E010"]
