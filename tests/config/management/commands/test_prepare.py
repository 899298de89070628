import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Tenant, User
from config import bootstrap


@pytest.fixture(autouse=True)
def prepared(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """A DATA_DIR of its own; the test database is prepared already."""
    settings.DATA_DIR = tmp_path
    calls: list[str] = []
    monkeypatch.setattr(bootstrap, "prepare", lambda: calls.append("prepared"))
    return calls


def prepare(*arguments: str) -> str:
    output = StringIO()
    call_command("prepare", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_production_gets_no_demo(prepared: list[str], tmp_path: Path) -> None:
    assert prepare() == "Ready.\n"

    assert prepared == ["prepared"]
    assert not Tenant.objects.exists()
    assert not (tmp_path / "demo-key").exists()


@pytest.mark.django_db
def test_password_is_told_to_programs_once() -> None:
    first = json.loads(prepare("--demo", "--json"))
    second = json.loads(prepare("--demo", "--json"))

    assert User.objects.get().check_password(first["admin_password"])
    assert second == {"admin_password": None}


@pytest.mark.django_db
def test_password_is_told_to_people(tmp_path: Path) -> None:
    said = prepare("--demo")

    assert User.objects.get().check_password(said.split()[-1])
    assert (tmp_path / "demo-key").exists()
