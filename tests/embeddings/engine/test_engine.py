"""The engine as a whole, on real and tiny models."""

import threading
import time

import numpy as np
import pytest

from embeddings.engine import Engine, EngineConfig, Job, Output, Truncate, inspect
from embeddings.engine.errors import (
    ForwardError,
    InvalidInputError,
    ModelUnavailableError,
    OverloadedError,
)
from tests.embeddings.engine import wires
from tests.embeddings.engine.making import make_call, make_spec, start, until

TOLERANCE = 2e-5


def embed(engine, spec, *texts, **job):
    """Vectors of texts, long ones cut."""
    asked = Job(spec=spec, inputs=texts, truncate=Truncate.END, **job)
    return engine.run(engine.prepare(asked), make_call()).vectors


def test_thirty_two_threads_get_what_each_gets_alone(engine, tiny):
    specs = [make_spec(tiny(name)) for name in ("minilm", "pool-max", "qwen3")]
    requests = [
        (specs[n % 3], [f"text {n} " + "river " * (n * m % 30) for m in range(n % 7)])
        for n in range(32)
    ]
    alone = [embed(engine, spec, *texts) for spec, texts in requests]

    running = start(
        *[lambda s=spec, t=texts: embed(engine, s, *t) for spec, texts in requests * 3]
    )

    for expected, one in zip(alone * 3, running, strict=True):
        assert one.join() == pytest.approx(expected, abs=TOLERANCE)


def test_order_duplicates_and_the_empty_string_are_kept(engine, tiny):
    spec = make_spec(tiny("minilm"))
    texts = ["mars", "", "river " * 20, "mars", "", "hello world"]

    vectors = embed(engine, spec, *texts)

    assert vectors[0] == pytest.approx(vectors[3], abs=1e-6)
    assert vectors[1] == pytest.approx(vectors[4], abs=1e-6)
    singles = np.concatenate([embed(engine, spec, text) for text in texts])
    assert vectors == pytest.approx(singles, abs=TOLERANCE)


def test_first_requests_load_once(engine, tiny, caplog):
    spec = make_spec(tiny("minilm"))

    running = start(*[lambda: embed(engine, spec, "hello")] * 50)
    shapes = {one.join().shape for one in running}

    assert shapes == {(1, 32)}
    assert [model.in_use for model in engine.loaded()] == [0]


@pytest.mark.parametrize("dimensions", [1, 8, 31, 32])
def test_cut_vectors_have_unit_length(engine, tiny, dimensions):
    spec = make_spec(tiny("minilm"))
    whole = embed(engine, spec, "hello world")[:, :dimensions]

    vectors = embed(engine, spec, "hello world", dimensions=dimensions)

    assert vectors == pytest.approx(whole / np.linalg.norm(whole), abs=1e-6)
    assert vectors.flags.c_contiguous


def test_vectors_without_normalize_keep_their_length(engine, tiny):
    (vector,) = embed(engine, make_spec(tiny("pool-mean")), "hello world")

    assert abs(np.linalg.norm(vector) - 1) > 0.1


@pytest.mark.parametrize("name", ["minilm", "pool-mean"])
def test_the_job_may_say_whether_vectors_have_unit_length(engine, tiny, name):
    spec = make_spec(tiny(name))

    (unit,) = embed(engine, spec, "hello world", normalize=True)
    (raw,) = embed(engine, spec, "hello world", normalize=False)

    assert np.linalg.norm(unit) == pytest.approx(1, abs=1e-6)
    assert abs(np.linalg.norm(raw) - 1) > 0.1
    assert unit == pytest.approx(raw / np.linalg.norm(raw), abs=1e-6)


def test_cut_vectors_without_normalize_have_unit_length(engine, tiny):
    (vector,) = embed(engine, make_spec(tiny("pool-mean")), "hello", dimensions=8)

    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_declared_cut_has_unit_length(engine, tiny):
    spec = make_spec(tiny("truncdim"), dimensions=8)

    (vector,) = embed(engine, spec, "hello world")

    assert vector.shape == (8,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("dimensions", [0, -1, 33])
def test_dimensions_the_model_has_not_are_refused(engine, tiny, dimensions):
    job = Job(spec=make_spec(tiny("minilm")), inputs=("a",), dimensions=dimensions)

    with pytest.raises(InvalidInputError, match="dimensions must be 1 to 32"):
        engine.prepare(job)


def test_poison_fails_alone_and_the_next_request_is_as_before(engine, tiny):
    spec = make_spec(tiny("poison"))
    before = embed(engine, spec, "the quick fox")

    texts = ["the quick fox", "a lazy dog", "the river"] * 5
    running = start(*[lambda t=text: embed(engine, spec, t) for text in texts])
    results = [one.join() for one in running]

    kinds = [isinstance(result, ForwardError) for result in results]
    assert kinds == [False, True, False] * 5
    assert embed(engine, spec, "the quick fox") == pytest.approx(before, abs=1e-6)


def test_vectors_that_are_not_finite_never_leave(engine, tiny):
    with pytest.raises(ForwardError, match="input 0 is not finite"):
        embed(engine, make_spec(tiny("nan")), "hello")


def test_counting_needs_no_weights(engine, tiny):
    prepared = engine.prepare(Job(spec=make_spec(tiny("corrupt")), inputs=("hello",)))

    assert prepared.tokens == (3,)
    assert engine.loaded() == ()


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("corrupt", {}, "cut short"),
        ("minilm", {"fingerprint": "0" * 64}, "not those that were registered"),
        ("minilm", {"dimensions": 64}, "makes vectors of 32 dimensions"),
        ("minilm", {"family": "unheard"}, "family unheard are not supported"),
    ],
    ids=["corrupt", "fingerprint", "dimensions", "family"],
)
def test_models_that_are_not_as_registered_are_unavailable(
    engine, tiny, name, changes, reason
):
    spec = make_spec(tiny(name), **changes)

    with pytest.raises(ModelUnavailableError, match=reason):
        engine.load(spec, make_call())


def test_registered_fingerprint_is_that_of_the_load(engine, tiny):
    facts = inspect(tiny("minilm"))
    spec = make_spec(tiny("minilm"), fingerprint=facts.fingerprint)

    assert engine.load(spec, make_call()) > 0


def test_loading_tells_its_time_and_keeps_the_model(engine, tiny):
    spec = make_spec(tiny("minilm"))

    first, second = (engine.load(spec, make_call(keep_alive_s=-1)) for _ in range(2))

    assert first > 10 * second > 0
    (model,) = engine.loaded()
    assert (model.name, model.expires_in_s) == ("minilm", None)


def test_keep_alive_of_zero_loads_nothing_and_unloads(engine, tiny):
    spec = make_spec(tiny("minilm"))
    assert engine.load(spec, make_call(keep_alive_s=0)) == 0
    assert engine.loaded() == ()

    engine.load(spec, make_call())
    engine.load(spec, make_call(keep_alive_s=0))

    until(lambda: engine.loaded() == ())


def test_keep_alive_follows_the_clock(tiny):
    now = [0.0]
    engine = Engine(EngineConfig(keep_alive_s=60), clock=lambda: now[0])
    engine.load(make_spec(tiny("minilm")), make_call())
    now[0] = 20.0

    (model,) = engine.loaded()

    assert model.expires_in_s == 40.0
    engine.close(drain_s=5)


def test_times_are_told(engine, tiny):
    spec = make_spec(tiny("minilm"))
    prepared = engine.prepare(Job(spec=spec, inputs=("hello",)))

    first, second = (engine.run(prepared, make_call()) for _ in range(2))

    assert first.load_ns > second.load_ns
    assert first.run_ns > 0


def test_no_thread_before_the_first_use_and_none_after_the_end(tiny):
    before = set(threading.enumerate())
    engine = Engine(EngineConfig(streams=2))
    engine.prepare(Job(spec=make_spec(tiny("minilm")), inputs=("hello",)))
    assert set(threading.enumerate()) == before

    embed(engine, make_spec(tiny("minilm")), *["river " * 30] * 9)
    during = {thread.name for thread in set(threading.enumerate()) - before}
    engine.close(drain_s=5)

    assert during == {"stream-0", "stream-1", "model-pool"}
    assert set(threading.enumerate()) == before


def test_closed_engine_refuses(tiny):
    engine = Engine(EngineConfig(streams=1))
    spec = make_spec(tiny("minilm"))
    embed(engine, spec, "hello")

    engine.close(drain_s=5)
    engine.close(drain_s=5)

    with pytest.raises((ModelUnavailableError, OverloadedError), match="shutting down"):
        embed(engine, spec, "hello")


def test_stalled_queue_frees_at_the_deadline(engine, tiny):
    spec = make_spec(tiny("minilm"))
    engine.load(spec, make_call())
    job = Job(spec=spec, inputs=("river " * 20,) * 2000)
    prepared = engine.prepare(job)

    (late,) = start(
        lambda: engine.run(prepared, make_call(deadline=time.monotonic() + 0.01))
    )

    assert type(late.join()).__name__ == "DeadlineError"
    assert engine._batcher._queue.tokens == 0


def test_openvino_and_torch_give_one_answer(tiny, tmp_path):
    spec = make_spec(tiny("minilm"))
    texts = ["mars", "", "river " * 20, "hello world"] * 5
    engines = [
        Engine(EngineConfig(runtime=runtime, cache_folder=tmp_path))
        for runtime in ("torch", "openvino")
    ]

    first, second = (embed(engine, spec, *texts) for engine in engines)

    assert second == pytest.approx(first, abs=TOLERANCE)
    (model,) = engines[1].loaded()
    assert (model.runtime, model.precision) == ("openvino", "float32")
    for engine in engines:
        engine.close(drain_s=5)


def test_somebody_elses_model_is_asked_and_never_in_memory(engine, vendor):
    vendor.usual = wires.openai
    spec = wires.make_spec(wires.make_endpoint(vendor.url))
    job = Job(spec=spec, inputs=("abc", "d"), dimensions=2)

    load_ns = engine.load(spec, make_call())
    made = engine.run(engine.prepare(job), make_call())

    assert made.vectors.tolist() == [[3, 0], [1, 0]]
    assert (load_ns, made.load_ns, made.tokens) == (0, 0, 3)
    assert engine.loaded() == ()
    assert not engine.unload(spec)
    assert not engine.retry(spec)
    assert len(vendor.asked) == 1


def test_only_a_providers_count_is_asked_for(engine, vendor, tiny):
    vendor.usual = wires.google
    spec = wires.make_spec(wires.make_endpoint(vendor.url, "google"))
    specs = (spec, make_spec(tiny("minilm")))
    theirs, ours = (Job(spec=one, inputs=("a b",)) for one in specs)

    assert engine.count(theirs, make_call()) == 2
    with pytest.raises(ValueError, match="of this machine"):
        engine.count(ours, make_call())


@pytest.mark.parametrize("changes", [{"dimensions": 9}, {"output": Output.SPARSE}])
def test_what_somebody_elses_model_has_not_is_refused_here(engine, changes):
    spec = wires.make_spec(wires.make_endpoint("https://api.example.com"))

    with pytest.raises(InvalidInputError):
        engine.prepare(Job(spec=spec, inputs=("a",), **changes))
