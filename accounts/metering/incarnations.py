"""The lives of processes: begun, beaten, ended, and the dead found."""

import os
import socket
import uuid
from functools import cache
from pathlib import Path

from django.db import connection, transaction

from accounts.metering.script import Script

#: An incarnation that was not seen for so long is dead.
DEAD_AFTER_S = 30

BEGIN = """
INSERT INTO accounts_incarnation (id, host, pid, machine, round, started_at, seen_at)
VALUES (%s, %s, %s, %s, 0, clock_timestamp(), clock_timestamp())
"""

#: One row comes back unless the incarnation has ended or somebody else wrote for it.
#: Nobody waits for the disk while others wait for the accounts: see `flush`.
FENCE = """
UPDATE accounts_incarnation SET round = %s, seen_at = clock_timestamp()
WHERE id = %s AND round = %s AND ended_at IS NULL
RETURNING set_config('synchronous_commit', 'off', true)
"""

#: The same where nobody looks at the rows before the commit: none is an error.
FENCE_OR_FAIL = f"WITH raised AS ({FENCE}) SELECT 1 / count(*) FROM raised"  # noqa: S608

WAIT_FOR_DISK = "SELECT set_config('synchronous_commit', 'on', true)"
BEAT = "UPDATE accounts_incarnation SET seen_at = clock_timestamp() WHERE id = %s"

#: A round that has not begun yet never will: its number is left out.
LEAVE_OUT = """
UPDATE accounts_incarnation SET round = CASE round WHEN %s THEN %s ELSE round END
WHERE id = %s RETURNING round
"""

IN_FLIGHT = """
SELECT f.account_id, a.quantity, f.amount
FROM accounts_inflight f JOIN accounts_quotaaccount a ON a.id = f.account_id
WHERE f.incarnation_id = %s AND f.amount > 0
"""

FIND_DEAD = """
SELECT id FROM accounts_incarnation
WHERE ended_at IS NULL AND seen_at < clock_timestamp() - make_interval(secs => %s)
ORDER BY seen_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

LOCK_HELD = """
SELECT a.id FROM accounts_quotaaccount a
JOIN accounts_inflight f ON f.account_id = a.id
WHERE f.incarnation_id = %s AND f.amount > 0
ORDER BY a.id FOR NO KEY UPDATE OF a
"""

GIVE_BACK = """
WITH held AS (
    DELETE FROM accounts_inflight WHERE incarnation_id = %s RETURNING account_id, amount
)
UPDATE accounts_quotaaccount a SET used = a.used - held.amount
FROM held WHERE a.id = held.account_id AND held.amount > 0
"""

#: What ran under the process's requests was not billed: it may be asked for again.
FREE_KEYS = """
DELETE FROM accounts_idempotencykey WHERE incarnation_id = %s AND NOT is_settled
"""

NEIGHBOURS = """
SELECT id, pid FROM accounts_incarnation WHERE ended_at IS NULL AND machine = %s
"""

END = "UPDATE accounts_incarnation SET ended_at = clock_timestamp() WHERE id = %s"


def begin() -> uuid.UUID:
    """Begin a life of this process."""
    incarnation = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            BEGIN, [incarnation, socket.gethostname(), os.getpid(), machine()]
        )
    return incarnation


def raise_round(
    script: Script, incarnation: uuid.UUID, number: int, *, or_fail: bool = False
) -> None:
    """Make the script's transaction the incarnation's round `number`.

    No row comes back where it may not be, or a division by zero is raised. Its commit
    does not wait for the disk.
    """
    fence = FENCE_OR_FAIL if or_fail else FENCE
    script.add(fence, number, incarnation, number - 1)


def flush(script: Script, incarnation: uuid.UUID) -> None:
    """See all rounds of the incarnation on the disk, after their commit.

    A commit that waits for the disk takes all that were made before along, those of
    other processes included. No lock on an account is held meanwhile.
    """
    script.add(WAIT_FOR_DISK)
    script.add(BEAT, incarnation)


def leave_out(incarnation: uuid.UUID, number: int) -> int:
    """Leave round `number` out unless it was committed; the incarnation's last round.

    It waits for one whose connection was lost and that may yet be committed; one that
    is still on its way to the server finds its number gone. -1: nothing is known.
    """
    with connection.cursor() as cursor:
        cursor.execute(LEAVE_OUT, [number - 1, number + 1, incarnation])
        row = cursor.fetchone()
    return -1 if row is None else row[0]


def in_flight(incarnation: uuid.UUID) -> list[tuple[int, str, int]]:
    """What its requests hold: of which account, what that counts, how much."""
    with connection.cursor() as cursor:
        cursor.execute(IN_FLIGHT, [incarnation])
        return list(cursor.fetchall())


def end(incarnation: uuid.UUID) -> None:
    """End a life, and give back what its requests hold; safe to repeat."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM accounts_incarnation"
            " WHERE id = %s AND ended_at IS NULL FOR UPDATE",
            [incarnation],
        )
        if cursor.fetchone():
            _give_back(incarnation)


def reap() -> int:
    """End the lives of those not seen for `DEAD_AFTER_S`; how many there were.

    Each is a transaction of its own, and one that another process reaps is left to it.
    """
    count = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(FIND_DEAD, [DEAD_AFTER_S])
            row = cursor.fetchone()
            if row is None:
                return count
            _give_back(row[0])
        count += 1


def reap_neighbours() -> int:
    """End the lives of processes that were killed on this machine; how many.

    Nobody has to wait for `DEAD_AFTER_S` to find them out.
    """
    here = machine()
    if not here:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(NEIGHBOURS, [here])
        dead = [row[0] for row in cursor.fetchall() if not _is_running(row[1])]
    for incarnation in dead:
        end(incarnation)
    return len(dead)


@cache
def machine() -> str:
    """What names this machine since it was started, and its space of process ids."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot_id} {space}"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _give_back(incarnation: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        # Accounts are locked in the order in which the meters lock them.
        cursor.execute(LOCK_HELD, [incarnation])
        cursor.execute(GIVE_BACK, [incarnation])
        cursor.execute(FREE_KEYS, [incarnation])
        cursor.execute(END, [incarnation])
