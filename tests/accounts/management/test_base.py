"""What the platform's commands have in common."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError
from psycopg.errors import UndefinedTable

from accounts.management.base import PlatformCommand


class Failing(PlatformCommand):
    """Fails as it is told."""

    error: Exception

    def handle(self, *_, **__):
        raise self.error


class Printing(PlatformCommand):
    """Prints both ways."""

    def handle(self, *_, **__):
        self.emit({"answer": "é"}, text="The answer is é.")


@pytest.mark.parametrize(
    ("options", "printed"),
    [({}, "The answer is é.\n"), ({"json": True}, '{"answer": "\\u00e9"}\n')],
    ids=["text", "json"],
)
def test_it_prints_text_or_json(options, printed):
    out = io.StringIO()

    call_command(Printing(stdout=out), **options)

    assert out.getvalue() == printed


def _run(error, *arguments):
    err = io.StringIO()
    command = Failing(stderr=err, no_color=True)
    command.error = error
    with pytest.raises(SystemExit) as ended:
        command.run_from_argv(["manage.py", "failing", *arguments])
    return ended.value.code, err.getvalue()


def test_a_failure_is_one_sentence_and_exit_code_1():
    assert _run(CommandError("There is none.")) == (1, "There is none.\n")


def test_a_failure_keeps_its_own_exit_code():
    assert _run(CommandError("Busy.", returncode=3)) == (3, "Busy.\n")


def test_a_database_that_is_away_is_one_sentence():
    code, err = _run(OperationalError("connection refused\nIs it running?"))

    assert (code, err) == (1, "The database does not answer: connection refused\n")


def test_a_database_without_tables_is_one_sentence():
    error = ProgrammingError("relation does not exist")
    error.__cause__ = UndefinedTable()

    code, err = _run(error)

    assert (code, err) == (
        1,
        "The database is not prepared: run `manage.py prepare`.\n",
    )


def test_a_query_that_is_wrong_is_a_bug_and_shows_as_one():
    command = Failing()
    command.error = ProgrammingError("syntax error")

    with pytest.raises(ProgrammingError):
        command.run_from_argv(["manage.py", "failing"])


def test_called_from_code_the_error_is_raised():
    command = Failing()
    command.error = CommandError("There is none.")

    with pytest.raises(CommandError):
        call_command(command)


def test_the_traceback_is_there_for_who_asks():
    command = Failing()
    command.error = CommandError("There is none.")

    with pytest.raises(CommandError):
        command.run_from_argv(["manage.py", "failing", "--traceback"])
