"""No thread of one test outlives it."""

from collections.abc import Iterator

import pytest

from accounts.metering import close_meter
from accounts.revision import close_cache


@pytest.fixture(autouse=True)
def threads_end() -> Iterator[None]:
    yield
    close_meter()
    close_cache()
