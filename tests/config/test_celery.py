from celery import current_app

from config import celery_options
from config.celery import app


def test_platforms_application_is_the_current_one() -> None:
    assert current_app.main == "platform"


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in celery_options.SCHEDULE.values()}

    assert scheduled <= set(app.tasks)


def test_jobs_survive_their_worker() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.task_ignore_result
