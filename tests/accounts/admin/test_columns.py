"""How values look."""

from datetime import UTC, date, datetime

import pytest

from accounts.admin.columns import badge, code, moment, number, status_badge


def test_numbers_are_grouped():
    assert number(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04"),
        (date(2026, 1, 2), "2026-01-02"),
        (None, "never"),
    ],
    ids=["time", "day", "nothing"],
)
def test_moments(at, expected):
    assert moment(at) == expected


@pytest.mark.parametrize("render", [code, lambda text: badge(text, "info")])
def test_markup_is_escaped(render):
    shown = render("<b>")

    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


@pytest.mark.parametrize(
    ("status", "colour"), [(200, "green"), (404, "orange"), (503, "red"), (302, "base")]
)
def test_a_status_has_the_colour_of_its_class(status, colour):
    shown = status_badge(status)

    assert str(status) in shown
    assert f"bg-{colour}-" in shown
