from pathlib import Path

import pytest
from pytest_django import Settings

from config import static_files


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    """A STATIC_ROOT of its own, and storage that does not compress."""
    settings.STATIC_ROOT = tmp_path / "static"
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": plain}}
    return tmp_path / "static"


def test_files_are_gathered_once(root: Path) -> None:
    assert static_files.collect_if_changed()
    assert not static_files.collect_if_changed()

    assert (root / "admin").is_dir()
    assert not (root / "rest_framework").exists()


def test_change_gathers_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    static_files.collect_if_changed()

    monkeypatch.setattr(static_files, "fingerprint", lambda: "another")

    assert static_files.collect_if_changed()


def test_fingerprint_depends_on_the_storage(root: Path, settings: Settings) -> None:
    before = static_files.fingerprint()

    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "another"}}

    assert static_files.fingerprint() != before
