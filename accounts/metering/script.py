"""Several statements in one round trip, the transaction's own ones included."""

from typing import Any

from django.db import Error, connection

#: Inside somebody's transaction, which tests roll back, ours is a part of it.
SAVEPOINT = "metering"


class Script:
    """Statements to be sent at once; those that return rows give them in order.

    A transaction that is begun here is Django's business no more: nothing of the ORM
    may be used until it is over. An error leaves it to be rolled back.
    """

    def __init__(self) -> None:
        self._statements: list[str] = []
        self._parameters: list[Any] = []

    def add(self, statement: str, *parameters: Any) -> None:
        """Add a statement with its parameters in order."""
        self._statements.append(statement)
        self._parameters += parameters

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
            cursor.execute(";\n".join(self._statements), self._parameters)
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
