import pytest
from psycopg.conninfo import conninfo_to_dict

from config import celery_options

DATABASE = {
    "HOST": "/a path/run",
    "PORT": "",
    "NAME": "platform",
    "USER": "us er",
    "PASSWORD": "p'w",
    "OPTIONS": {"sslmode": "require"},
}


def test_queue_lies_in_our_own_database() -> None:
    options = celery_options.options(
        broker_url=celery_options.PGMQ_URL, database=DATABASE
    )

    target = conninfo_to_dict(options["broker_transport_options"]["conn_string"])

    assert target == {
        "host": "/a path/run",
        "dbname": "platform",
        "user": "us er",
        "password": "p'w",
        "sslmode": "require",
    }


def test_another_broker_gets_no_database() -> None:
    options = celery_options.options(broker_url="redis://cache/0", database=DATABASE)

    assert "conn_string" not in options["broker_transport_options"]


@pytest.mark.parametrize("name", ["task_serializer", "accept_content"])
def test_messages_are_json_only(name: str) -> None:
    options = celery_options.options(broker_url="redis://cache/0", database=DATABASE)

    assert options[name] in ("json", ["json"])
