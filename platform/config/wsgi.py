"""WSGI entry point for gunicorn."""

import os

import django

from config.handler import Utf8Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

application = Utf8Handler()
