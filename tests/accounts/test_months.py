from datetime import UTC, datetime

import pytest
import time_machine

from accounts.months import month_named


@time_machine.travel("2026-11-21T10:00:00Z", tick=False)
def test_month_is_the_present_one_unless_named():
    assert month_named(None) == datetime(2026, 11, 1, tzinfo=UTC)
    assert month_named("2026-02") == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-13", "november", "2026", "", "9999-12"])
def test_what_is_no_month_is_one_sentence(text):
    with pytest.raises(ValueError, match="is not a month; write it as 2026-11"):
        month_named(text)
