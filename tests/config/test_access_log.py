import logging
from copy import copy
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from pytest_django import Settings

from config.access_log import GunicornLogger

REQUEST = SimpleNamespace(
    method="GET",
    path="/api/tags",
    query="key=hidden",
    uri="/api/tags?key=hidden",
    headers=[("AUTHORIZATION", "hidden")],
)
RESPONSE = SimpleNamespace(status="200 OK", sent=12)


@pytest.fixture
def logger() -> GunicornLogger:
    return GunicornLogger(Config())


def test_line_has_the_path_and_no_secrets(
    logger: GunicornLogger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "gunicorn.access"):
        environ = {"REMOTE_ADDR": "127.0.0.1", "QUERY_STRING": "key=hidden"}
        logger.access(RESPONSE, REQUEST, environ, timedelta(milliseconds=1.25))

    record = caplog.records[-1].__dict__
    assert record["path"] == "/api/tags"
    assert record["status"] == 200
    assert record["duration_ms"] == 1.2
    assert "hidden" not in str(record)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/t/hidden/api/tags", "/t/***/api/tags"),
        ("/t/hidden", "/t/***"),
        ("//t/hidden/", "//t/***/"),
        ("/%74/hidden/api", "/%74/***/api"),
        ("/t%2Fhidden/api", "/t%2F***/api"),
    ],
)
def test_a_key_in_the_path_is_not_shown(
    path: str, shown: str, logger: GunicornLogger, caplog: pytest.LogCaptureFixture
) -> None:
    request = copy(REQUEST)
    request.path = path

    with caplog.at_level(logging.INFO, "gunicorn.access"):
        logger.access(RESPONSE, request, {"RAW_URI": path}, timedelta())

    record = caplog.records[-1].__dict__
    assert record["path"] == shown
    assert "hidden" not in str(record)


def test_lines_go_to_the_one_log(logger: GunicornLogger) -> None:
    assert logger.error_log.handlers == []
    assert logger.error_log.propagate


def test_access_lines_can_be_turned_off(
    logger: GunicornLogger, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ACCESS_LOG = False

    with caplog.at_level(logging.INFO, "gunicorn.access"):
        logger.access(RESPONSE, REQUEST, {}, timedelta())

    assert caplog.records == []
