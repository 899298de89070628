"""The Celery application: `celery -A config worker`."""

import os

import celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = celery.Celery("platform")
app.conf.update(settings.CELERY_OPTIONS)
app.autodiscover_tasks()
