import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.log import log_response

from accounts.encryption import encrypt
from accounts.secrets import make_secret
from config.logging import CONSOLE, JSON, configuration


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a logger of its own writes in the format asked for."""
    stream = io.StringIO()
    settings = configuration(level="INFO", log_format=request.param)
    settings["handlers"]["stderr"]["stream"] = stream
    root = settings.pop("root")
    settings["loggers"] = {"probe": {**root, "propagate": False}}
    logging.config.dictConfig(settings)
    yield stream
    logging.getLogger("probe").handlers.clear()


@pytest.mark.parametrize("written", [JSON], indirect=True)
def test_line_is_one_json_object(written: io.StringIO) -> None:
    logging.getLogger("probe").info("served %s", "it", extra={"status": 200})

    line = json.loads(written.getvalue())

    assert line["event"] == "served it"
    assert line["status"] == 200
    assert line["logger"] == "probe"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("written", [JSON, CONSOLE], indirect=True)
def test_credentials_are_cut_out_everywhere(written: io.StringIO) -> None:
    secret = make_secret()

    error = ValueError(f"bad header Bearer {secret}")
    logger = logging.getLogger("probe")
    logger.error("key %s", secret, exc_info=error, extra={"other": secret})

    text = written.getvalue()
    assert secret not in text
    assert secret[12:20] not in text
    assert "ValueError" in text


@pytest.mark.parametrize("written", [JSON, CONSOLE], indirect=True)
def test_credentials_are_cut_out_of_what_is_not_text(written: io.StringIO) -> None:
    secret = make_secret()

    extra = {"one": [secret], "two": {"x": RuntimeError(secret)}, "three": [1]}
    logging.getLogger("probe").error("no", extra=extra)

    assert secret not in written.getvalue()
    assert "RuntimeError" in written.getvalue()


@pytest.mark.parametrize("written", [JSON, CONSOLE], indirect=True)
def test_keys_in_paths_are_cut_out(written: io.StringIO) -> None:
    error = ValueError("GET http://localhost/t/hidden/api/tags?x")
    logger = logging.getLogger("probe")

    logger.error("Not Found: %s", "/t/hidden/api/tags", exc_info=error)
    logger.error("no", extra={"path": ["/%74/hidden"], "line": "/t%2fhidden HTTP/1.1"})

    assert "/t/***/api/tags" in written.getvalue()
    assert "hidden" not in written.getvalue()


@pytest.mark.parametrize("written", [JSON, CONSOLE], indirect=True)
def test_a_requests_query_is_not_written(written: io.StringIO) -> None:
    request = RequestFactory().get("/v1/models?%6Bey=hidden")

    log_response(
        "%s: %s",
        "Not Found",
        request.path,
        response=HttpResponse(status=404),
        request=request,
        logger=logging.getLogger("probe"),
    )

    assert "/v1/models" in written.getvalue()
    assert "hidden" not in written.getvalue()


@pytest.mark.parametrize("written", [CONSOLE], indirect=True)
def test_terminal_gets_words(written: io.StringIO) -> None:
    logging.getLogger("probe").info("served", extra={"status": 200})

    assert "served" in written.getvalue()
    assert "status=200" in written.getvalue()


@pytest.mark.parametrize("written", [JSON, CONSOLE], indirect=True)
def test_what_is_encrypted_is_cut_out(written: io.StringIO, field_keys) -> None:
    kept = encrypt("sk-secret")

    logging.getLogger("probe").error("Failing row contains (1, %s, ...)", kept[:64])

    assert kept[6:40] not in written.getvalue()
    assert "Failing row contains (1, ***" in written.getvalue()
