"""What the database and the disk must hold before the platform serves."""

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from config import static_files
from embeddings.catalog import shipped

#: Chosen at random; one process at a time prepares a database.
ADVISORY_LOCK = 6_120_934_471_882


def prepare() -> None:
    """Migrate, install the queue, add the shipped models, gather static files.

    May be run at any time and by several processes: what is there stays.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            # Partitions of the ledger are made ahead by its own hook.
            call_command("migrate", interactive=False, verbosity=0)
            install_queue()
            shipped.seed()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
    static_files.collect_if_changed()


def install_queue() -> None:
    """Install pgmq's functions unless they are there or another broker is used."""
    conn_string = settings.CELERY_OPTIONS["broker_transport_options"].get("conn_string")
    if conn_string is None or _has_queue():
        return
    # The queue comes with the embedded services; other brokers do without.
    from pgmq.install import install_pgmq_from_sql  # noqa: PLC0415

    with psycopg.connect(conn_string) as own:
        install_pgmq_from_sql(conn=own)


@transaction.atomic
def _has_queue() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pgmq.meta') IS NOT NULL")
        return bool(cursor.fetchone()[0])
