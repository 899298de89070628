"""The pipeline without HTTP: its queries, its order, its metering under load."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from accounts.authentication import Caller, caller_of
from accounts.metering import close_meter
from accounts.models import Price, UsageEvent
from accounts.revision import close_cache
from embeddings import errors, service
from embeddings.engine.errors import ForwardError, InputTooLongError
from embeddings.engine.spec import Truncate
from embeddings.types import EmbeddingRequest
from tests.factories import grant, make_api_key, make_model, make_tenant
from tests.fakes import FakeEngine, tokens_of, vector_of


def origin_of(caller: Caller) -> service.Origin:
    """A call that starts now."""
    return service.Origin(
        event_id=uuid4(),
        caller=caller,
        wire="openai",
        started_ns=time.monotonic_ns(),
    )


def ask(*texts: str, **fields: object) -> EmbeddingRequest:
    """A request for the model `m`."""
    return EmbeddingRequest(**{"model": "m", "inputs": texts, **fields})  # type: ignore[arg-type]


@pytest.fixture
def caller(house) -> Caller:
    """Acme's, whose model is also `m`."""
    grant(house.acme, house.model, alias="m")
    return caller_of(house.key)


def test_the_result_has_the_requests_facts(caller: Caller, engine: FakeEngine) -> None:
    origin = origin_of(caller)

    result = service.embed(ask("one two", "x"), origin)

    assert result.request_id == str(origin.event_id)
    assert result.model == "m"
    assert result.tokens == (4, 3)
    assert result.truncated == (False, False)
    assert (result.vectors[1] == vector_of("x")).all()
    assert result.load_ns == 1_000_000
    assert result.total_ns > 0
    assert abs(result.created_at - time.time()) < 60


def test_a_request_without_a_model_gets_the_default_and_its_name(
    caller: Caller, engine: FakeEngine
) -> None:
    assert service.embed(ask("a", model=None), origin_of(caller)).model == (
        "all-MiniLM-L6-v2"
    )


def test_too_many_texts_are_refused_before_anything_is_looked_up(
    caller: Caller, engine: FakeEngine, settings, django_assert_num_queries
) -> None:
    settings.MAX_TEXTS = 2

    with django_assert_num_queries(0), pytest.raises(errors.TooManyTextsError):
        service.embed(ask("a", "b", "c"), origin_of(caller))


@pytest.mark.parametrize(
    ("wish", "policy", "wire", "used"),
    [
        (None, "", Truncate.END, Truncate.END),
        (None, "", Truncate.ERROR, Truncate.ERROR),
        (None, "error", Truncate.END, Truncate.ERROR),
        (None, "start", Truncate.ERROR, Truncate.START),
        (Truncate.END, "error", Truncate.ERROR, Truncate.END),
        (Truncate.ERROR, "end", Truncate.END, Truncate.ERROR),
    ],
)
def test_whose_word_counts_for_long_texts(
    wish, policy, wire, used, caller: Caller, engine: FakeEngine, house
) -> None:
    house.model.over_length = policy
    house.model.save()

    service.embed(ask("a", truncate=wish, wire_truncate=wire), origin_of(caller))

    assert engine.jobs[0].truncate is used


def test_the_callers_window_and_patience_are_passed_on(
    caller: Caller, engine: FakeEngine
) -> None:
    service.embed(ask("a", max_tokens=16, keep_alive_s=7.5), origin_of(caller))

    assert engine.jobs[0].max_tokens == 16
    assert engine.calls[0].keep_alive_s == 7.5


@pytest.mark.parametrize(
    ("wish", "most", "kept"),
    [
        (None, 60.0, None),
        (0.0, 60.0, 0.0),
        (61.0, 60.0, 60.0),
        (-1.0, 60.0, 60.0),
        (-1.0, -1.0, -1.0),
        (10**9, -1.0, 10**9),
    ],
    ids=["none", "zero", "long", "for ever", "for ever, uncapped", "long, uncapped"],
)
def test_a_tenant_keeps_a_model_no_longer_than_it_may(
    wish, most, kept, caller: Caller, engine: FakeEngine, settings
) -> None:
    settings.KEEP_ALIVE_MAX_S = most

    service.embed(ask("a", keep_alive_s=wish), origin_of(caller))

    assert engine.calls[0].keep_alive_s == kept


def test_instructions_by_word_beat_those_by_task(
    caller: Caller, engine: FakeEngine
) -> None:
    service.embed(
        ask("a", instruction="mine", task="nope", target="nope"), origin_of(caller)
    )

    assert engine.jobs[0].instruction == "mine"


@pytest.fixture
def served(transactional_db: None, engine: FakeEngine) -> Iterator[str]:
    """A key outside of any transaction, with cache and meter as they serve."""
    tenant = make_tenant("acme")
    grant(tenant, make_model("all-MiniLM-L6-v2"), alias="m")
    yield make_api_key(tenant).secret
    close_meter()
    close_cache()


def test_the_hot_path_asks_the_database_nothing(
    served: str, django_assert_num_queries
) -> None:
    service.embed(ask("warm"), origin_of(caller_of(served)))

    with django_assert_num_queries(0):
        service.embed(ask("hot"), origin_of(caller_of(served)))

    assert UsageEvent.objects.count() == 2


def test_no_connection_is_held_while_the_model_works(
    served: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    run = engine.run

    def watch(*args, **kwargs):
        held.append(connection.connection is not None)
        return run(*args, **kwargs)

    monkeypatch.setattr(engine, "run", watch)
    UsageEvent.objects.count()

    service.embed(ask("a"), origin_of(caller_of(served)))

    assert held == [False]


def test_every_answer_under_load_is_one_row_with_its_count(served: str) -> None:
    answers: list[tuple[str, int]] = []

    def call(number: int) -> None:
        texts = [f"text {'word ' * n}" for n in range(number % 5 + 1)]
        result = service.embed(ask(*texts), origin_of(caller_of(served)))
        assert (result.vectors[0] == vector_of(texts[0])).all()
        assert result.total_tokens == sum(map(tokens_of, texts))
        answers.append((result.request_id, result.total_tokens))
        connection.close()

    threads = [threading.Thread(target=call, args=(n,)) for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = UsageEvent.objects.filter(status=200).values_list("event_id", "tokens")
    assert len(answers) == 32
    assert sorted((str(i), tokens) for i, tokens in rows) == sorted(answers)


def test_an_event_holds_the_list_price_of_its_moment(
    caller: Caller, engine: FakeEngine
) -> None:
    price = Price.objects.create(
        model="all-MiniLM-L6-v2",
        per_million_tokens=Decimal("0.02"),
        per_request=Decimal("0.000001"),
        effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    )

    service.embed(ask("one two"), origin_of(caller))

    event = UsageEvent.objects.get()
    assert event.price_id == price.pk
    assert event.list_nanos == event.tokens * 20 + 1000


def test_a_failure_costs_nothing(caller: Caller, engine: FakeEngine) -> None:
    Price.objects.create(
        model="", per_request=1, effective_from=datetime(2020, 1, 1, tzinfo=UTC)
    )
    engine.failures["run"] = ForwardError("no")

    with pytest.raises(errors.ApiError):
        service.embed(ask("a"), origin_of(caller))

    assert UsageEvent.objects.get().list_nanos == 0


def test_counting_counts_what_would_be_cut_or_refused(
    caller: Caller, engine: FakeEngine
) -> None:
    long = "word " * 300

    for wish in (None, Truncate.END, Truncate.ERROR):
        request = ask("a", long, truncate=wish)
        assert service.count_tokens(request, caller) == tokens_of("a") + 302
    assert engine.calls == []
    assert not UsageEvent.objects.exists()


def test_what_is_too_long_to_be_counted_is_refused(
    caller: Caller, engine: FakeEngine
) -> None:
    engine.failures["prepare"] = InputTooLongError(
        index=0, tokens=9, limit=5, unit="characters"
    )

    with pytest.raises(errors.TextTooLongError, match="9 characters"):
        service.count_tokens(ask("a"), caller)
