"""An engine's state travels as plain data: processes report it through the database."""

from dataclasses import asdict

import orjson

from embeddings.engine.status import FailedModel
from tests.fakes import FakeEngine


def test_a_status_is_json():
    facts = asdict(FakeEngine().status())

    assert orjson.loads(orjson.dumps(facts))["streams"] == 1
    assert asdict(FailedModel(name="m", error="e", retry_in_s=1.0))["name"] == "m"
