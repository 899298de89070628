"""What a caller reads when the engine, the ledger or our own code fails."""

import logging
import time

import pytest
from django.test import Client, RequestFactory, override_settings

from accounts.errors import UnavailableError
from accounts.metering import Reservation, Usage, use_meter
from accounts.models import UsageEvent
from accounts.quotas import Standing
from embeddings import replies, service, views
from embeddings.engine import errors as engine_errors
from embeddings.errors import ErrorCode
from tests.fakes import FakeEngine
from tests.inline_meter import InlineMeter
from tests.wires import OLLAMA, OPENAI, WIRES, Wire

SECRET_TEXT = "canary-text-7f3a"

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@every_wire
@pytest.mark.parametrize(
    ("error", "code", "retry_after"),
    [
        (
            engine_errors.ModelUnavailableError("no memory", retry_after_s=7.2),
            ErrorCode.UNAVAILABLE,
            "8",
        ),
        (
            engine_errors.OverloadedError("full", retry_after_s=0.05),
            ErrorCode.OVERLOADED,
            "1",
        ),
        (engine_errors.DeadlineError("late"), ErrorCode.UNAVAILABLE, "5"),
        (engine_errors.CancelledError("gone"), ErrorCode.CLIENT_GONE, None),
        (engine_errors.ForwardError("input 3: NaN"), ErrorCode.INTERNAL, None),
        (RuntimeError("/root/models/x at 0x7f"), ErrorCode.INTERNAL, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failed_run_is_a_row_without_tokens(
    wire: Wire, error, code, retry_after, client: Client, house, engine: FakeEngine
) -> None:
    engine.failures["run"] = error

    response = wire.post(client, key=house.key)

    wire.error_of(response, wire.status_of(code))
    assert response.get("Retry-After") == retry_after
    event = UsageEvent.objects.get()
    assert str(event.event_id) == response["x-request-id"]
    assert (event.tokens, event.truncated) == (0, 0)
    assert event.status == response.status_code
    assert b"/root" not in response.content


@every_wire
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            engine_errors.InputTooLongError(index=3, tokens=900, limit=256),
            ErrorCode.INPUT_TOO_LONG,
        ),
        (engine_errors.InvalidInputError("input 0: surrogate"), ErrorCode.INVALID),
        (engine_errors.ModelUnavailableError("no files"), ErrorCode.UNAVAILABLE),
        (ValueError("bug"), ErrorCode.INTERNAL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_refused_before_admission_is_no_row(
    wire: Wire, error, code, client: Client, house, engine: FakeEngine
) -> None:
    engine.failures["prepare"] = error

    message = wire.error_of(wire.post(client, key=house.key), wire.status_of(code))

    if code is ErrorCode.INPUT_TOO_LONG:
        assert "input 3 has 900 tokens, the model takes at most 256" in message
    assert not UsageEvent.objects.exists()


def test_ollama_says_busy_in_its_own_words(client: Client, house, engine) -> None:
    engine.failures["run"] = engine_errors.OverloadedError("full", retry_after_s=3)

    message = OLLAMA.error_of(OLLAMA.post(client, key=house.key), 503)

    assert message == (
        "server busy, please try again.  maximum pending requests exceeded"
    )


def test_a_failed_preload_is_a_row_too(client: Client, house, engine) -> None:
    engine.failures["load"] = engine_errors.ModelUnavailableError("no memory")

    response = OLLAMA.post(client, key=house.key, raw=b'{"model": "all-minilm"}')

    assert OLLAMA.error_of(response, 503) == "model 'all-minilm' is not available now"
    assert UsageEvent.objects.get().status == 503


@every_wire
def test_an_answer_that_cannot_be_billed_is_withheld(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    class Broken(InlineMeter):
        def settle(
            self,
            reservation: Reservation,  # noqa: ARG002
            usage: Usage,  # noqa: ARG002
        ) -> tuple[Standing, ...]:
            raise UnavailableError

    with use_meter(Broken()):
        response = wire.post(client, key=house.key)

    wire.error_of(response, 503)
    assert response["Retry-After"] == "1"
    assert b"0." not in response.content


@every_wire
def test_a_crash_is_a_500_that_tells_nothing_and_a_log_without_the_text(
    wire: Wire,
    client: Client,
    house,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def crash(*_: object) -> None:
        raise KeyError("secret of the house")

    monkeypatch.setattr(service, "resolve", crash)

    with caplog.at_level(logging.DEBUG):
        response = wire.post(client, [SECRET_TEXT], key=house.key)

    wire.error_of(response, 500)
    assert b"secret of the house" not in response.content
    (record,) = [r for r in caplog.records if r.name == replies.__name__]
    assert record.exc_info is not None
    assert response["x-request-id"] in caplog.text
    assert SECRET_TEXT not in caplog.text
    assert house.key not in caplog.text


@every_wire
def test_a_refusal_logs_neither_text_nor_key(
    wire: Wire, client: Client, house, engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        wire.post(client, [SECRET_TEXT], key=house.key)
        wire.post(client, [SECRET_TEXT], key=house.key + "x")
        wire.post(client, [SECRET_TEXT], key=house.key, model="nope")

    assert SECRET_TEXT not in caplog.text
    assert house.key not in caplog.text


@every_wire
def test_a_sparse_model_has_no_dense_embeddings(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    house.model.output = "sparse"
    house.model.save()

    response = wire.post(client, key=house.key)

    wire.error_of(response, wire.status_of(ErrorCode.UNSUPPORTED))


@every_wire
def test_a_model_without_weights_is_a_503(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    house.model.source = "nobody/has-this"
    house.model.save()

    response = wire.post(client, key=house.key)

    assert "not downloaded" in wire.error_of(response, 503)
    assert int(response["Retry-After"]) > 0


@every_wire
def test_a_foreign_host_is_a_400_of_the_wire(wire: Wire, house, engine) -> None:
    client = Client(headers={"host": "evil.example"})

    response = wire.post(client, key=house.key)

    wire.error_of(response, wire.status_of(ErrorCode.INVALID))
    assert b"evil" not in response.content


@every_wire
def test_a_crash_around_the_view_is_a_500_of_the_wire(
    wire: Wire, house, engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyError("secret of the house")

    client = Client(raise_request_exception=False)
    monkeypatch.setattr(views.WireView, "dispatch", crash)

    response = wire.post(client, key=house.key)

    wire.error_of(response, 500)
    assert b"secret" not in response.content


def test_the_answers_digits_hold_a_float32(client: Client, house, engine) -> None:
    response = OPENAI.post(client, key=house.key)

    assert b"NaN" not in response.content
    assert b"null" not in response.content


@override_settings(REQUEST_TIMEOUT_S=60)
def test_the_engine_is_told_who_waits_and_how_long(client, house, engine) -> None:
    before = time.monotonic()

    OPENAI.post(client, key=house.key)

    (call,) = engine.calls
    assert call.tenant == "acme"
    assert before + 60 <= call.deadline <= time.monotonic() + 60


def test_the_error_handlers_take_what_django_hands_them() -> None:
    request = RequestFactory().get("/api/x")

    assert views.bad_request(request, ValueError("x")).status_code == 400
    assert views.server_error(request).status_code == 500
