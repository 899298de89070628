"""Where rate limits are counted."""

import pytest
from django.core.cache import caches
from django.utils.module_loading import import_string

from config.cache_options import NumberSerializer, is_redis_url, options


def test_without_redis_each_process_counts_in_its_memory():
    found = options("")

    assert found["rate_limits"]["BACKEND"].endswith("LocMemCache")
    assert found["rate_limits"]["OPTIONS"] == {"MAX_ENTRIES": 100_000}
    assert found["rate_limits"]["LOCATION"] != found["default"]["LOCATION"]


def test_redis_counts_for_all_and_waits_for_nothing():
    url = "redis://:a,b;c@cache:6379/0"

    found = options(url)

    assert found["rate_limits"]["LOCATION"] == [url]
    assert found["rate_limits"]["OPTIONS"]["socket_timeout"] <= 0.25
    assert found["rate_limits"]["OPTIONS"]["socket_connect_timeout"] <= 0.25
    assert found["default"]["BACKEND"].endswith("LocMemCache")


def test_the_cache_of_rates_is_the_one_that_is_cleared():
    caches["default"].set("kept", 1)

    caches["rate_limits"].clear()

    assert caches["default"].get("kept") == 1


def test_only_numbers_are_read_back():
    serializer = import_string(
        options("redis://x")["rate_limits"]["OPTIONS"]["serializer"]
    )

    assert serializer is NumberSerializer
    assert serializer().loads(serializer().dumps(12)) == 12
    with pytest.raises(ValueError, match="invalid literal"):
        serializer().loads(b"\x80\x04N.")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("redis://cache", True),
        ("redis://:secret@cache:6379/1", True),
        ("rediss://cache:6380", True),
        ("unix:///run/redis.sock", True),
        ("redis://", False),
        ("unix://", False),
        ("cache:6379", False),
        ("http://cache:6379", False),
        ("redis://cache:high", False),
        ("redis://[cache", False),
    ],
)
def test_urls_are_known(text, is_one):
    assert is_redis_url(text) is is_one
