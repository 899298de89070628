from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config import supervisor
from config.supervisor import CannotStartError
from config.tree import Death


def run_as(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Death | None]
) -> Callable[[], str]:
    monkeypatch.setattr(supervisor, "run", run)

    def up() -> str:
        errors = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("up", stderr=errors)
        assert ended.value.code == 1
        return errors.getvalue()

    return up


def test_death_of_a_part_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    death = Death(name="web", returncode=3, last_words="no memory")

    said = run_as(monkeypatch, lambda **_: death)()

    assert "because web ended with code 3" in said
    assert "no memory" in said


def test_reason_not_to_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(**kwargs: object) -> None:
        raise CannotStartError("127.0.0.1:8000 is in use")

    monkeypatch.setattr(supervisor, "run", run)

    with pytest.raises(CommandError, match="is in use"):
        call_command("up")


def test_asked_for_end_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "run", lambda **_: None)
    output = StringIO()

    call_command("up", stdout=output)

    assert output.getvalue() == ""
