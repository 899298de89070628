"""What operators may enter of a provider, and what they are told otherwise."""

import pytest
from django.core.exceptions import ValidationError

from embeddings.models.endpoint_rules import (
    check_credential,
    check_options,
    check_url,
    clean_hosts,
)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.openai.com/v1", ()),
        ("https://api.example.com:8443", ()),
        ("https://8.8.8.8/", ()),
        ("http://gpu:8000/v1", ("gpu",)),
        ("http://GPU:8000/v1", ("gpu",)),
        ("http://127.0.0.1:9000", ("127.0.0.1",)),
        ("https://10.0.0.7/v1", ("10.0.0.7",)),
        ("http://[::1]:8000/v1", ("::1",)),
    ],
)
def test_these_may_be_asked(url: str, allowed: tuple[str, ...]) -> None:
    check_url(url, allowed_hosts=allowed)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://api.openai.com/v1", "begins with https://"),
        ("api.openai.com", "whole address"),
        ("ftp://api.openai.com", "whole address"),
        ("file:///etc/passwd", "whole address"),
        ("https://", "whole address"),
        ("https:///v1", "whole address"),
        ("https://a b.com", "whole address"),
        ("https://a.com\\@b.com", "whole address"),
        ("https://a.com:port", "whole address"),
        ("https://a.com:99999", "whole address"),
        ("https://[::1", "whole address"),
        ("https://\u0430pi.openai.com", "whole address"),
        ("https://a.com/\r\nx: y", "whole address"),
        ("https://user:password@a.com", "No user name or password"),
        ("https://user@a.com", "No user name or password"),
        ("https://a.com/v1?key=1", "without \\? and #"),
        ("https://a.com/v1#top", "without \\? and #"),
        ("https://a.com/v1#", "without \\? and #"),
        ("https://localhost/v1", "not an address of the Internet"),
        ("https://db.internal/v1", "not an address of the Internet"),
        ("https://127.0.0.1", "not an address of the Internet"),
        ("https://127.1", "not an address of the Internet"),
        ("https://2130706433", "not an address of the Internet"),
        ("https://0x7f000001", "not an address of the Internet"),
        ("https://169.254.169.254/latest", "not an address of the Internet"),
        ("https://10.0.0.1", "not an address of the Internet"),
        ("https://[::1]/", "not an address of the Internet"),
        ("https://[fe80::1]/", "not an address of the Internet"),
    ],
    ids=ascii,
)
def test_those_are_refused_with_a_reason(url: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        check_url(url, allowed_hosts=("elsewhere",))


def test_hosts_are_compared_in_small_letters_each_once() -> None:
    assert clean_hosts([" GPU ", "gpu", "[::1]", "10.0.0.7"]) == [
        "10.0.0.7",
        "::1",
        "gpu",
    ]


@pytest.mark.parametrize(
    "host", ["", "http://gpu", "gpu:8000", "a/b", "a b", "*", "-a", "\u00e4"], ids=ascii
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        clean_hosts([host])


@pytest.mark.parametrize("options", [[], "a", None, {"a": 1}, {"a": {}}], ids=repr)
def test_options_are_texts_by_name(options: object) -> None:
    check_options({"api_version": "2024-10-21"})
    with pytest.raises(ValidationError, match="texts by name"):
        check_options(options)


@pytest.mark.parametrize(
    "secret",
    ["", "sk\nx", "sk\x00", "s\u00e9cret", "x" * 8193],
    ids=["empty", "lines", "nul", "accent", "long"],
)
def test_a_credential_that_cannot_be_sent_is_refused_unseen(secret: str) -> None:
    check_credential("sk-proj-abc_123")
    with pytest.raises(ValidationError) as caught:
        check_credential(secret)

    assert not secret or secret not in str(caught.value)
