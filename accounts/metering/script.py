"""Several statements in one round trip, the transaction's own ones included."""

from typing import Any
from weakref import WeakKeyDictionary

from django.db import Error, connection

#: Inside somebody's transaction, which tests roll back, ours is a part of it.
SAVEPOINT = "metering"

#: The statements that each connection knows, and their names there.
_prepared: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


class Script:
    """Statements to be sent at once; those that return rows give them in order.

    A transaction that is begun here is Django's business no more: nothing of the ORM
    may be used until it is over. An error leaves it to be rolled back.
    """

    def __init__(self) -> None:
        self._statements: list[tuple[str, tuple[Any, ...]]] = []

    def add(self, statement: str, *parameters: Any) -> None:
        """Add a statement with its parameters in order; it is planned once for all."""
        self._statements.append((statement, parameters))

    def begin(self) -> None:
        """Add the beginning of a transaction."""
        is_inside = connection.in_atomic_block
        self.add(f"SAVEPOINT {SAVEPOINT}" if is_inside else "BEGIN")

    def commit(self) -> None:
        """Add its end; what is added after it is a transaction of its own."""
        is_inside = connection.in_atomic_block
        self.add(f"RELEASE SAVEPOINT {SAVEPOINT}" if is_inside else "COMMIT")

    def run(self) -> list[list[tuple[Any, ...]]]:
        """Send all and return the rows of each statement, none where it has none."""
        found = []
        with connection.cursor() as cursor:
            text = ";\n".join(_call(cursor, *one) for one in self._statements)
            cursor.execute(text, [one for _, some in self._statements for one in some])
            while True:
                found.append(cursor.fetchall() if cursor.description else [])
                if not cursor.nextset():
                    return found


def roll_back() -> None:
    """End a transaction that a script began, where the server still knows of it."""
    script = Script()
    if connection.in_atomic_block:
        script.add(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
    else:
        script.add("ROLLBACK")
    try:
        script.run()
    except Error:
        # The connection is lost, and the transaction with it.
        connection.close_if_unusable_or_obsolete()


def prepare_anew() -> None:
    """Forget the prepared statements: what they return has changed."""
    _prepared.pop(connection.connection, None)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def _call(cursor: Any, statement: str, parameters: tuple[Any, ...]) -> str:
    """A statement as it is sent: prepared when first used on its connection.

    Planning them takes the server longer than running them.
    """
    if not parameters:
        return statement
    names = _prepared.setdefault(connection.connection, {})
    if statement not in names:
        name = f"metering_{len(names)}"
        places = [f"${number}" for number in range(1, len(parameters) + 1)]
        cursor.execute(f"PREPARE {name} AS {statement % tuple(places)}")
        names[statement] = name
    return f"EXECUTE {names[statement]} ({', '.join(['%s'] * len(parameters))})"
