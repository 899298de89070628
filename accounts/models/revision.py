"""One counter that says when cached keys, grants or catalog rows are stale."""

import time

import pgtrigger
from django.db import models


class RevisionQuerySet(models.QuerySet["Revision"]):
    """The single row."""

    def restore(self) -> None:
        """Put a lost row back, with a number that no process has seen before."""
        self.get_or_create(id=1, defaults={"number": time.time_ns() // 1000})

    def current(self) -> int:
        """The number as committed (or seen by the open transaction); -1 if lost."""
        number = self.filter(id=1).values_list("number", flat=True).first()
        return -1 if number is None else number


class Revision(models.Model):
    """The single row that triggers bump and every process polls."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        """There is one row."""

        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="revision_is_one_row"
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)


def bump_revision(name: str, *, exclude: tuple[str, ...] = ()) -> pgtrigger.Trigger:
    """A trigger that bumps the revision when a row changes in other than `exclude`.

    It fires when the transaction commits, so that writers hold the counter's lock
    for a moment only and cannot deadlock over it.
    """
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Row,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        timing=pgtrigger.Deferred,
        func=_bump_unless_only(exclude) if exclude else _BUMP,
    )


_BUMP = """
INSERT INTO accounts_revision (id, number) VALUES (1, 1)
ON CONFLICT (id) DO UPDATE SET number = accounts_revision.number + 1;
RETURN NULL;
"""


def _bump_unless_only(columns: tuple[str, ...]) -> str:
    """The trigger's body, silent when an update touched `columns` alone."""
    names = ", ".join(f"'{column}'" for column in columns)
    return f"""
IF TG_OP = 'UPDATE'
   AND to_jsonb(OLD) - ARRAY[{names}] = to_jsonb(NEW) - ARRAY[{names}] THEN
    RETURN NULL;
END IF;
{_BUMP}"""
