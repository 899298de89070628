from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import secret_files


def test_environment_wins_over_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").write_text("from NAME_FILE\n")
    (tmp_path / "default").write_text("from DATA_DIR\n")
    default = tmp_path / "default"

    assert secret_files.read("SOME_KEY", default=default) == "from DATA_DIR"
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "given"))
    assert secret_files.read("SOME_KEY", default=default) == "from NAME_FILE"
    monkeypatch.setenv("SOME_KEY", "from NAME")
    assert secret_files.read("SOME_KEY", default=default) == "from NAME"


def test_missing_everything_is_empty(tmp_path: Path) -> None:
    assert secret_files.read("SOME_KEY", default=tmp_path / "none") == ""


def test_file_that_was_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "none"))

    with pytest.raises(ImproperlyConfigured, match=r"SOME_KEY_FILE.*none"):
        secret_files.read("SOME_KEY")


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    secret_files.ensure(tmp_path)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}

    secret_files.ensure(tmp_path)

    assert first == {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(first) == {"secret-key", "field-keys"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_writing_replaces_what_a_crash_left(tmp_path: Path) -> None:
    (tmp_path / "key.new").write_text("half")

    secret_files.write(tmp_path / "key", "whole")

    assert (tmp_path / "key").read_text() == "whole\n"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
