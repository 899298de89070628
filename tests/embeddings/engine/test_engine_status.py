"""What operators see of an engine, and what they can do about its models."""

import pytest

from embeddings.engine import Engine, EngineConfig, Job
from embeddings.engine.errors import (
    ForwardError,
    ModelUnavailableError,
    OverloadedError,
)
from embeddings.engine.families import family_named
from tests.embeddings.engine.making import make_call, make_spec, until


def embed(engine, spec, *texts):
    return engine.run(engine.prepare(Job(spec=spec, inputs=texts)), make_call())


def test_new_engine_has_done_nothing():
    status = Engine(EngineConfig(memory_bytes=99, streams=3)).status()

    assert (status.models, status.loading, status.failed) == ((), (), ())
    assert (status.memory_bytes, status.used_bytes, status.streams) == (99, 0, 3)
    assert (status.texts_total, status.batches_total, status.trouble) == (0, 0, "")


def test_work_is_counted(engine, tiny):
    spec = make_spec(tiny("minilm"))
    texts = ("hello", "the river", "mars")
    tokens = engine.prepare(Job(spec=spec, inputs=texts)).tokens
    for _ in range(2):
        embed(engine, spec, *texts)

    status = engine.status()

    assert (status.texts_total, status.tokens_total) == (6, 2 * sum(tokens))
    assert status.padded_tokens_total >= status.tokens_total
    assert (status.batches_total, status.failed_total) == (2, 0)
    (model,) = status.models
    assert (model.name, model.requests, model.in_use) == ("minilm", 2, 0)
    assert model.runtime in {"torch", "openvino"}
    assert status.used_bytes == model.bytes
    assert status.loads_total == 1
    assert [one.name for one in engine.loaded()] == ["minilm"]


def test_a_model_is_found_by_any_name_of_its_weights(engine, tiny):
    spec = make_spec(tiny("minilm"))
    assert engine.find(spec) is None

    embed(engine, spec, "hello")

    assert engine.find(spec).name == "minilm"
    assert engine.find(make_spec(tiny("minilm"), name="other")).name == "minilm"
    assert engine.find(make_spec(tiny("minilm"), precision="bfloat16")) is None


def test_texts_that_fail_are_counted(engine, tiny):
    with pytest.raises(ForwardError):
        embed(engine, make_spec(tiny("nan")), "hello")

    status = engine.status()

    assert (status.failed_total, status.texts_total) == (1, 0)


def test_model_can_be_unloaded(engine, tiny):
    spec = make_spec(tiny("minilm"))
    assert not engine.unload(spec)
    embed(engine, spec, "hello")

    assert engine.unload(spec)

    until(lambda: engine.status().unloads_total == 1)
    assert engine.status().used_bytes == 0


def test_failed_load_is_shown_and_can_be_retried(engine, tiny):
    spec = make_spec(tiny("minilm"), fingerprint="0" * 64)
    with pytest.raises(ModelUnavailableError):
        embed(engine, spec, "hello")
    (failed,) = engine.status().failed

    assert (failed.name, 0 < failed.retry_in_s <= 30) == ("minilm", True)
    assert "not those that were registered" in failed.error
    assert engine.retry(spec)
    assert engine.status().failed == ()


def test_device_that_is_lost_while_loading_ends_the_service(tiny, monkeypatch, caplog):
    engine = Engine(EngineConfig(streams=1, threads=1))

    def lose(spec, placement):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    family = family_named("encoder")
    monkeypatch.setattr(family, "load", lose)
    with pytest.raises(ModelUnavailableError):
        embed(engine, make_spec(tiny("minilm")), "hello")

    assert engine.status().is_lost
    with pytest.raises(OverloadedError, match="the device is lost"):
        embed(engine, make_spec(tiny("minilm")), "hello")
    engine.close(drain_s=1)
