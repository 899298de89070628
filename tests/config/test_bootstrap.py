import pytest
from django.db import connection
from pytest_django import Settings

from config import bootstrap, static_files
from embeddings.models import EmbeddingModel


@pytest.fixture(autouse=True)
def no_static_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_files, "collect_if_changed", lambda: False)


def queues() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pgmq.list_queues()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_preparing_twice_changes_nothing_more(settings: Settings) -> None:
    database = connection.settings_dict
    transport = settings.CELERY_OPTIONS["broker_transport_options"]
    settings.CELERY_OPTIONS = settings.CELERY_OPTIONS | {
        "broker_transport_options": transport
        | {
            "conn_string": f"host={database['HOST']} user={database['USER']} "
            f"dbname={database['NAME']}"
        }
    }

    bootstrap.prepare()
    bootstrap.prepare()

    assert EmbeddingModel.objects.exists()
    assert queues() == 0


@pytest.mark.django_db
def test_other_brokers_need_no_queue(settings: Settings) -> None:
    settings.CELERY_OPTIONS = {"broker_transport_options": {}}

    bootstrap.install_queue()

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pgmq.nothing')")
        assert cursor.fetchone() == (None,)
