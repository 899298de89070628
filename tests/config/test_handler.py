import io

import orjson
import pytest

from config.handler import Utf8Handler


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("charset", ["bz2_codec", "utf-16", "none-such", '"'])
def test_claimed_charset_changes_nothing(charset: str) -> None:
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/version",
        "QUERY_STRING": "a=%C3%A9",
        "CONTENT_TYPE": f"application/json; charset={charset}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }

    body = b"".join(Utf8Handler()(environ, lambda status, _: said.append(status)))

    assert said == ["200 OK"]
    assert "version" in orjson.loads(body)
