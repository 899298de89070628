"""How Celery is set up: JSON only, no results, jobs that survive their worker."""

from collections.abc import Mapping
from typing import Any

from psycopg.conninfo import make_conninfo

#: The queue inside our own PostgreSQL; where that lies is an option, not the URL.
PGMQ_URL = "pgmq://localhost/platform"
#: A job is given to another worker when its own was not heard of for this long.
VISIBILITY_TIMEOUT_S = 1800
DAY_S = 24 * 3600.0

SCHEDULE = {
    "usage partitions ahead": {
        "task": "accounts.tasks.make_partitions",
        "schedule": DAY_S,
    },
    "usage roll-up": {"task": "accounts.tasks.roll_up", "schedule": 30.0},
    "dead processes": {"task": "accounts.tasks.reap", "schedule": 15.0},
    "metering upkeep": {"task": "accounts.tasks.clear_away", "schedule": 600.0},
    "usage retention": {"task": "accounts.tasks.drop_old_months", "schedule": DAY_S},
}


def options(*, broker_url: str, database: Mapping[str, Any]) -> dict[str, Any]:
    """Celery's configuration for a broker and the database that settings name."""
    return {
        "broker_url": broker_url,
        "broker_transport_options": _transport_options(broker_url, database),
        "broker_connection_retry_on_startup": True,
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        # Their names are longer than pgmq allows; health is seen in the tables.
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "enable_utc": True,
        "timezone": "UTC",
        "beat_schedule": SCHEDULE,
    }


def _transport_options(
    broker_url: str, database: Mapping[str, Any]
) -> dict[str, object]:
    if not broker_url.startswith("pgmq:"):
        return {"visibility_timeout": VISIBILITY_TIMEOUT_S}
    return {
        # Without it, pgmq reads DATABASE_URL and cannot decode a socket's path.
        "conn_string": make_conninfo(
            host=database.get("HOST") or None,
            port=database.get("PORT") or None,
            dbname=database.get("NAME") or None,
            user=database.get("USER") or None,
            password=database.get("PASSWORD") or None,
            **_libpq_options(database),
        ),
        "init_extension": False,
        "pool_size": 4,
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        # Longer waits hold up timers and the shutdown.
        "wait_time_seconds": 1,
        "polling_interval": 0.2,
    }


def _libpq_options(database: Mapping[str, Any]) -> dict[str, Any]:
    """What a URL's query said about the connection, such as sslmode."""
    options: Mapping[str, Any] = database.get("OPTIONS", {})
    return {
        name: value for name, value in options.items() if isinstance(value, str | int)
    }
