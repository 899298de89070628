"""The pipeline's value objects."""

import dataclasses

import pytest

from embeddings.engine.spec import Output, Role, Truncate
from embeddings.types import EmbeddingRequest, Reply
from tests.samples import a_result


def test_a_request_asks_for_nothing_special_unless_told() -> None:
    request = EmbeddingRequest(model="m", inputs=("a",))

    assert request.role is Role.NONE
    assert request.output is Output.DENSE
    assert request.wire_truncate is Truncate.ERROR
    assert request.truncate is request.dimensions is request.keep_alive_s is None
    assert not request.loads_only


def test_values_cannot_be_changed() -> None:
    request = EmbeddingRequest(model="m", inputs=("a",))

    with pytest.raises(dataclasses.FrozenInstanceError):
        request.model = "other"  # type: ignore[misc]


def test_what_is_billed_is_the_sum_over_all_texts() -> None:
    assert a_result(tokens=(8, 3, 0)).total_tokens == 11
    assert a_result(tokens=()).total_tokens == 0


def test_a_reply_is_a_json_success_unless_told() -> None:
    reply = Reply(body={})

    assert (reply.status, reply.content_type) == (200, "application/json")
    assert reply.headers == {}
