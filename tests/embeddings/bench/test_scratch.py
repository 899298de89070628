"""Platforms to throw away."""

from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from embeddings.bench import scratch as module
from embeddings.bench.scratch import Scratch, ScratchError, scratch


@pytest.fixture(autouse=True)
def unprepared(monkeypatch):
    """Leave out what takes long: the migrations."""

    def prepared(url, *, folder, models_dir):
        return Scratch(
            folder=folder,
            database_url=url,
            environment={"MODELS_DIR": str(models_dir)},
            key="key",
        )

    monkeypatch.setattr(module, "_prepared", prepared)


def databases():
    with psycopg.connect(settings.DATABASE_URL) as connection:
        return {
            name for (name,) in connection.execute("SELECT datname FROM pg_database")
        }


def test_database_and_folder_are_there_and_gone_afterwards(tmp_path):
    with scratch(
        database_url=settings.DATABASE_URL, data_dir=tmp_path, models_dir=tmp_path
    ) as platform:
        name = urlsplit(platform.database_url).path.lstrip("/")
        assert name in databases()
        assert platform.folder.parent == tmp_path
        assert platform.database_url != settings.DATABASE_URL

    assert name not in databases()
    assert list(tmp_path.iterdir()) == []


def test_they_are_gone_after_a_failure_too(tmp_path):
    with (
        pytest.raises(KeyError),
        scratch(
            database_url=settings.DATABASE_URL, data_dir=tmp_path, models_dir=tmp_path
        ) as platform,
        psycopg.connect(platform.database_url),
    ):
        raise KeyError

    assert urlsplit(platform.database_url).path.lstrip("/") not in databases()


def test_a_server_that_does_not_answer_is_told(tmp_path):
    with (
        pytest.raises(ScratchError, match="no database could be made"),
        scratch(
            database_url="postgresql://nobody@127.0.0.1:1/none",
            data_dir=tmp_path,
            models_dir=tmp_path,
        ),
    ):
        pass


def test_the_ledger_is_counted(tmp_path):
    with scratch(
        database_url=settings.DATABASE_URL, data_dir=tmp_path, models_dir=tmp_path
    ) as platform:
        with psycopg.connect(platform.database_url) as connection:
            connection.execute(
                "CREATE TABLE accounts_usageevent (status int, texts int)"
            )
            connection.execute(
                "INSERT INTO accounts_usageevent VALUES (200, 3), (200, 4), (503, 9)"
            )

        assert platform.metered() == (2, 7)
