"""Commands run as from the command line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import execute_from_command_line
from django.db import connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """Run `manage.py` with arguments, in the test's transaction."""
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        code: Any = 0
        try:
            execute_from_command_line(["manage.py", *arguments])
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        return Ended(code=code, out=out, err=err)

    return run
