"""What the trials make of what processes tell."""

import pytest

from embeddings.bench.metering import trials


class Fake:
    """A worker that serves tokens out of a shared purse, or more than it has."""

    def __init__(self, purse, *, is_honest=True):
        self.purse, self.is_honest = purse, is_honest
        self.sent = []

    def send(self, do, **options):
        self.sent.append((do, options))

    def ask(self, do, **options):
        self.send(do, **options)
        return self.answer()

    def answer(self):
        do, options = self.sent.pop(0)
        if do == "tenant":
            self.purse["left"] = options["quotas"].get("tokens-month", trials.PLENTY)
            return {"key": "k"}
        one = options.get("requests") == 1
        tokens = options["tokens"][0] if one else min(self.purse["left"], 7000)
        if self.is_honest and tokens > self.purse["left"]:
            tokens = 0
        self.purse["left"] -= tokens
        latencies = [0.001, 0.002] if tokens else []
        return {
            "seconds": 2.0,
            "tokens": tokens,
            "latencies": latencies,
            "unavailable": 0,
        }


@pytest.mark.parametrize(
    ("is_honest", "unusable"), [(True, 0), (False, 2)], ids=["exact", "leaky"]
)
def test_a_quota_that_serves_too_much_is_found(is_honest, unusable):
    purse = {}
    workers = [Fake(purse, is_honest=is_honest) for _ in range(4)]

    found = trials.exactness(workers, runs=2, tell=lambda _: None)

    assert (found.runs, found.overshot, found.unusable) == (2, 0, unusable)
    assert found.wrongly_refused == 0


def test_speed_is_that_of_all_workers():
    purse = {}
    found = trials.speed(
        [Fake(purse) for _ in range(4)], seconds=2.0, threads=1, rate=200.0
    )

    assert found.requests_per_s == 4.0
    assert found.p95_ms == pytest.approx(2.0)
    assert found.unavailable == 0
