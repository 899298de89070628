"""One engine per process, made late, closed once, probed with a word."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import time_machine
from prometheus_client import REGISTRY

from accounts.authentication import caller_of
from embeddings import process
from embeddings.engine.errors import ForwardError, OverloadedError
from embeddings.engine.spec import LoadedModel
from tests.embeddings.engine.wires import make_endpoint
from tests.factories import grant, make_model, make_provider, make_remote_model
from tests.fakes import FakeEngine


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeEngine]]:
    """The engines that get made, in place of real ones."""
    engines: list[FakeEngine] = []

    def make(config: object, *, hooks: object) -> FakeEngine:
        engines.append(FakeEngine())
        return engines[-1]

    monkeypatch.setattr(process, "Engine", make)
    monkeypatch.setattr(process, "_engine", None)
    yield engines
    process.close(drain_s=0)


def test_sixteen_threads_get_one_engine(made: list[FakeEngine]) -> None:
    barrier = threading.Barrier(16)
    got: list[object] = []

    def get() -> None:
        barrier.wait()
        got.append(process.get_engine())

    threads = [threading.Thread(target=get) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert got == made * 16


def test_settings_become_the_engines(settings, monkeypatch) -> None:
    configs = []
    monkeypatch.setattr(process, "Engine", lambda one, **_: configs.append(one))
    monkeypatch.setattr(process, "_engine", None)
    settings.ENGINE_MEMORY_MB = 3
    settings.KEEP_ALIVE_S = 7.5

    process.get_engine()

    (config,) = configs
    assert (config.memory_bytes, config.keep_alive_s) == (3 * 2**20, 7.5)
    assert config.queue_tokens == settings.ENGINE_QUEUE_TOKENS


def test_closing_drains_once_and_a_later_use_starts_anew(
    made: list[FakeEngine],
) -> None:
    process.close(drain_s=1)
    first = process.get_engine()

    process.close(drain_s=3.5)
    process.close(drain_s=9)

    assert made[0].drained_s == 3.5
    assert process.get_engine() is not first


@pytest.mark.django_db
def test_the_probe_embeds_a_word_with_a_model_that_is_here(
    engine: FakeEngine,
) -> None:
    make_model("far", source="nobody/has-this")
    make_model("off", is_enabled=False)
    make_model("near")

    process.probe()

    (job,) = engine.jobs
    assert (job.spec.name, job.inputs) == ("near", (process.PROBE_TEXT,))
    (call,) = engine.calls
    assert call.tenant == process.PLATFORM


@pytest.mark.django_db
def test_the_engines_news_of_providers_are_counted_and_noted(made, monkeypatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(
        process, "Engine", lambda _, *, hooks: told.append(hooks) or FakeEngine()
    )
    process.get_engine()
    row = make_provider()
    endpoint = make_endpoint(
        "https://api.example.com", provider="counted", provider_id=row.pk
    )
    (hooks,) = told

    hooks.on_call(endpoint, "ok", 0.1)
    hooks.on_retry(endpoint)
    hooks.on_rejected(endpoint, 401)

    row.refresh_from_db()
    assert "401" in row.trouble
    hooks.on_answered(endpoint)
    row.refresh_from_db()
    assert row.trouble == ""
    labels = {"provider": "counted"}
    for name, more in (
        ("calls_total", {"outcome": "ok"}),
        ("retries_total", {}),
        ("rejections_total", {"status": "401"}),
        ("seconds_count", {}),
    ):
        found = REGISTRY.get_sample_value(
            f"embedding_provider_{name}", {**labels, **more}
        )
        assert found == 1


@pytest.mark.django_db
def test_a_failing_probe_raises(engine: FakeEngine) -> None:
    make_model("near")
    engine.failures["run"] = ForwardError("not finite")

    with pytest.raises(ForwardError):
        process.probe()


@pytest.mark.django_db
def test_without_a_model_there_is_nothing_to_probe(engine: FakeEngine) -> None:
    make_model("far", source="nobody/has-this")

    process.probe()

    assert engine.jobs == []


@pytest.mark.django_db
def test_an_engine_in_trouble_fails_the_probe(engine: FakeEngine) -> None:
    engine.state = replace(engine.state, trouble="the device is lost")

    with pytest.raises(OverloadedError, match="the device is lost"):
        process.probe()


def test_a_process_is_lost_when_its_engine_says_so(engine: FakeEngine) -> None:
    assert not process.is_lost()

    engine.state = replace(engine.state, is_lost=True)

    assert process.is_lost()


def test_asking_after_the_engine_makes_none(made: list[FakeEngine]) -> None:
    assert not process.is_lost()
    assert process.trouble() == ""

    assert made == []


def test_stopping_keeps_the_engine_so_that_it_goes_on_refusing(
    made: list[FakeEngine],
) -> None:
    process.stop_admission(2.5)

    assert made[0].drained_s == 2.5
    assert process.get_engine() is made[0]


def in_memory(name: str, **changes: object) -> LoadedModel:
    """A model as the engine tells of it."""
    fields = {"name": name, "device": "cpu", "bytes": 7, "expires_in_s": 30.0}
    return LoadedModel(**{"in_use": 0, **fields, **changes})  # type: ignore[arg-type]


@pytest.mark.django_db
@time_machine.travel(1_700_000_000, tick=False)
def test_callers_see_what_is_loaded_of_their_own_models(house, engine) -> None:
    grant(house.acme, house.ungranted)
    engine.state = replace(
        engine.state,
        models=(
            in_memory("globex/own"),
            in_memory("all-MiniLM-L6-v2"),
            in_memory("nobodys-model", device="cuda", expires_in_s=None),
        ),
    )

    mine, shared = process.loaded_of(caller_of(house.key))

    assert (mine.model.name, mine.bytes, mine.is_on_gpu) == (
        "all-MiniLM-L6-v2",
        7,
        False,
    )
    assert mine.expires_at == 1_700_000_030
    assert mine.model.anatomy.architecture == "bert"
    assert (shared.model.name, shared.is_on_gpu) == ("nobodys-model", True)
    assert shared.expires_at is None
    assert process.loaded_of(caller_of(house.outsider_key)) == ()


@pytest.mark.django_db
def test_models_that_are_not_here_are_not_in_memory(house, engine) -> None:
    far = make_model("far", source="nobody/has-this")
    grant(house.outsider, far)
    engine.state = replace(engine.state, models=(in_memory("far"),))

    assert process.loaded_of(caller_of(house.outsider_key)) == ()


@pytest.mark.django_db
def test_before_its_first_use_an_engine_has_nothing(house, made) -> None:
    assert process.loaded_of(caller_of(house.key)) == ()

    assert made == []


@pytest.mark.django_db
def test_no_provider_is_asked_by_a_probe(engine: FakeEngine) -> None:
    make_remote_model()

    process.probe()

    assert engine.calls == []
