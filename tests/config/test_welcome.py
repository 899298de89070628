import json

import pytest

from config import welcome


@pytest.fixture
def text() -> str:
    return welcome.text(
        base_url="http://127.0.0.1:8123", key_file="/data dir/demo-key", password=None
    )


@pytest.mark.parametrize(
    "path",
    ["/embed", "/api/embed", "/api/v3/inference/embeddings", "/v1/embeddings"],
)
def test_every_wire_has_a_line_to_paste(text: str, path: str) -> None:
    lines = [line for line in text.splitlines() if f":8123{path} " in line]

    assert len(lines) == 1
    assert lines[0].strip().startswith("curl ")
    assert "$(cat '/data dir/demo-key')" in lines[0]


def test_places_for_people_are_named(text: str) -> None:
    assert "http://127.0.0.1:8123/docs" in text
    assert "http://127.0.0.1:8123/admin/" in text
    assert "changepassword" in text


def test_password_is_shown_when_it_was_just_made() -> None:
    text = welcome.text(base_url="http://a", key_file="/k", password="s3cret")

    assert "user admin, password s3cret" in text


def test_programs_read_one_line() -> None:
    line = welcome.as_json(base_url="http://a", key_file="/k", password=None)

    assert json.loads(line)["url"] == "http://a"
    assert json.loads(line)["demo_key_file"] == "/k"
    assert "\n" not in line
