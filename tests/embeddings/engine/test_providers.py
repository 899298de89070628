"""Other people's models from end to end, each by its vendor's own SDK."""

import logging
import threading
from dataclasses import replace

import numpy as np
import pytest

from embeddings.engine import providers
from embeddings.engine.errors import (
    CancelledError,
    InvalidInputError,
    ModelUnavailableError,
    OverloadedError,
    ProviderBusyError,
    ProviderError,
    ProviderTooLongError,
)
from embeddings.engine.providers import Providers
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Job
from tests.embeddings.engine.making import make_call, start, until
from tests.embeddings.engine.vendor import PATIENCE_S, Answered
from tests.embeddings.engine.wires import (
    OPENAI,
    SECRET,
    WIDTH,
    WIRES,
    make_endpoint,
    make_spec,
    vector_of,
)

every_wire = pytest.mark.parametrize("wire", WIRES, ids=str)
AT_ONCE = {"retry-after": "0"}


class House:
    """Our side: the providers, and what the hooks are told."""

    def __init__(self):
        self.told = []
        self.providers = Providers(
            Hooks(
                on_rejected=lambda _, status: self.told.append(status),
                on_answered=lambda _: self.told.append("answered"),
                on_call=lambda _, outcome, __: self.told.append(outcome),
                on_retry=lambda _: self.told.append("retry"),
            )
        )

    def embed(self, spec, *texts, call=None, **asked):
        job = Job(spec=spec, inputs=texts, **asked)
        prepared = self.providers.prepare(job, spec.endpoint)
        return self.providers.embed(prepared, call or make_call(), spec.endpoint)


@pytest.fixture
def house():
    made = House()
    yield made
    made.providers.close(drain_s=0)


def spec_of(wire, vendor, **changes):
    return make_spec(make_endpoint(vendor.url, wire.backend, **changes))


@every_wire
def test_vectors_come_in_order_with_the_vendors_count(house, vendor, wire):
    vendor.usual = wire.answer

    made = house.embed(spec_of(wire, vendor), "a", "東京", "ccc")

    assert made.vectors.tolist() == [vector_of(t) for t in ("a", "東京", "ccc")]
    assert made.vectors.dtype == np.float32
    assert (made.tokens, made.is_estimated) == (3, False)
    (asked,) = vendor.asked
    assert asked.path == wire.path
    assert SECRET in str(asked.headers)
    assert house.told == ["ok", "answered"]


@every_wire
def test_many_texts_are_split_as_the_vendor_takes_them(house, vendor, wire):
    vendor.usual = wire.answer
    texts = [f"{n:0{1 + n % 7}}" for n in range(wire.batch * 2 + 1)]

    made = house.embed(spec_of(wire, vendor, concurrency=3), *texts)

    assert made.vectors[:, 0].tolist() == [len(text) for text in texts]
    sizes = sorted(len(wire.texts(asked.body)) for asked in vendor.asked)
    assert sizes == [1, wire.batch, wire.batch]
    assert made.tokens == 9
    assert vendor.most_at_once <= 3


@every_wire
def test_retries_wait_as_long_as_the_vendor_says(house, vendor, wire):
    vendor.usual = wire.answer
    for status in (429, 503):
        vendor.answers.append(Answered(status=status, headers=AT_ONCE))

    assert house.embed(spec_of(wire, vendor), "a").tokens == 3
    assert house.told == ["429", "retry", "5xx", "retry", "ok", "answered"]


@every_wire
@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (Answered(status=401, body=b"{}"), ProviderError, ["4xx", 401]),
        (Answered(status=403, body=b"<html>"), ProviderError, ["4xx", 403]),
        (Answered(status=404, body=b"{}"), ProviderError, ["4xx"]),
        (Answered(status=400, body=b"{}"), ProviderError, ["4xx"]),
        (Answered(status=302, body=b"{}"), ProviderError, ["3xx"]),
        (Answered(body=b"SECRET-TEXT"), ProviderError, ["bad_answer"]),
        (Answered(body={}), ProviderError, ["bad_answer"]),
        (Answered(body=[]), ProviderError, ["bad_answer"]),
        (Answered(body=b"x" * 10**7), ProviderError, ["bad_answer"]),
    ],
    ids=["401", "403", "404", "400", "302", "no JSON", "empty", "list", "huge"],
)
def test_what_is_wrong_on_our_side_or_theirs(
    house, vendor, wire, answer, kind, told, caplog
):
    vendor.answers.append(answer)

    with pytest.raises(kind) as caught:
        house.embed(spec_of(wire, vendor), "a text of SECRET-TEXT")

    assert house.told == told
    assert len(vendor.asked) == 1
    for words in (str(caught.value), caplog.text):
        assert "SECRET-TEXT" not in words
        assert SECRET not in words
    assert caught.value.__cause__ is None


@every_wire
def test_too_long_is_the_callers_to_mend(house, vendor, wire):
    vendor.answers.append(Answered(status=400, body=wire.too_long))

    with pytest.raises(ProviderTooLongError, match="at most 512 tokens") as caught:
        house.embed(spec_of(wire, vendor), "a")

    assert "SECRET-TEXT" not in str(caught.value)


@every_wire
def test_a_busy_vendor_is_passed_on_with_its_wait(house, vendor, wire):
    vendor.usual = lambda _: Answered(status=429, headers={"retry-after": "90"})

    with pytest.raises(ProviderBusyError) as caught:
        house.embed(spec_of(wire, vendor), "a")

    assert caught.value.retry_after_s == 90
    assert len(vendor.asked) == 1


@every_wire
def test_a_vendor_that_fails_is_asked_as_often_as_may_be(house, vendor, wire):
    vendor.usual = lambda _: Answered(status=500, headers=AT_ONCE)

    with pytest.raises(ModelUnavailableError):
        house.embed(spec_of(wire, vendor, attempts=4), "a")

    assert len(vendor.asked) == 4


@every_wire
def test_a_vendor_that_is_slow_is_left(house, vendor, wire):
    gate = threading.Event()
    vendor.answers.append(Answered(gate=gate))

    with pytest.raises(ModelUnavailableError):
        house.embed(spec_of(wire, vendor, timeout_s=0.2), "a")

    gate.set()
    assert house.told == ["timeout"]


@every_wire
def test_sizes_that_are_asked_for(house, vendor, wire):
    vendor.usual = wire.answer

    made = house.embed(spec_of(wire, vendor), "a", dimensions=2)

    assert made.vectors.shape == (1, 2)


@every_wire
def test_wrong_sizes_are_refused(house, vendor, wire):
    vendor.usual = wire.answer
    spec = replace(spec_of(wire, vendor), dimensions=WIDTH + 1)
    if wire.backend == "google":
        # It is always told the size: what it gives instead is not what was asked for.
        vendor.usual = lambda _: Answered(body={"embeddings": [{"values": [1.0]}]})

    with pytest.raises(ProviderError):
        house.embed(spec, "a")


@every_wire
def test_no_figure_is_counted_or_estimated(house, vendor, wire):
    vendor.usual = lambda asked: wire.answer(asked, tokens=None)

    made = house.embed(spec_of(wire, vendor), "one two", "three")

    counted = wire.backend in {"cohere", "google"}
    bound = len("one two") + len("three") + 2 * 16
    assert made.tokens == (3 if counted else bound)
    assert made.is_estimated is not counted


@every_wire
def test_counting_is_the_vendors(house, vendor, wire):
    vendor.usual = wire.answer
    spec = spec_of(wire, vendor)

    found = house.providers.count(
        Job(spec=spec, inputs=("one two", "three")), make_call(), spec.endpoint
    )

    assert found == (3 if wire.backend in {"cohere", "google"} else None)


def test_bounds_are_bytes_and_some(vendor):
    spec = spec_of(OPENAI, vendor)
    spec = replace(spec, prompts={"": "doc: "})
    job = Job(spec=spec, inputs=("abc", "東京", (1, 2, 3)))

    prepared = Providers(Hooks()).prepare(job, spec.endpoint)

    assert prepared.bounds == (3 + 5 + 16, 6 + 5 + 16, 3 + 16)
    assert prepared.most_tokens == sum(prepared.bounds)
    assert (prepared.tokens, prepared.truncated) == ((), (False,) * 3)


@pytest.mark.parametrize(
    ("wire", "given", "words"),
    [
        (WIRES[2], (1, 2), "no token ids"),
        (WIRES[3], (1, 2), "no token ids"),
        (WIRES[0], (1, -2), "negative"),
        (WIRES[0], "", "input 0 is empty"),
    ],
    ids=str,
)
def test_inputs_that_no_vendor_takes(house, wire, given, words):
    spec = make_spec(make_endpoint("https://api.example.com", wire.backend))

    with pytest.raises(InvalidInputError, match=words):
        house.embed(spec, given)


def test_prompts_of_the_catalog_go_along(house, vendor):
    vendor.usual = OPENAI.answer
    spec = replace(spec_of(OPENAI, vendor), prompts={"query": "query: "})

    made = house.embed(spec, "abc", instruction=None)
    house.embed(replace(spec, prompts={"": "x: "}), "abc")

    assert [asked.body["input"] for asked in vendor.asked] == [["abc"], ["x: abc"]]
    assert made.vectors[0, 0] == 3


def test_an_endpoint_that_changed_is_asked_anew(house, vendor):
    vendor.usual = OPENAI.answer

    for secret in ("one", "two", "two"):
        house.embed(spec_of(OPENAI, vendor, secret=secret), "a")

    keys = [asked.headers["authorization"] for asked in vendor.asked]
    assert keys == ["Bearer one", "Bearer two", "Bearer two"]
    assert vendor.connections == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backend": "nobody"}, "no backend nobody"),
        ({"backend": "azure", "url": ""}, "needs the URL"),
        ({"secret": "käse\n"}, "provider"),
    ],
    ids=["unknown", "no URL", "a key of no header"],
)
def test_what_an_operator_has_to_mend(house, vendor, changes, words):
    spec = spec_of(OPENAI, vendor)

    with pytest.raises((ModelUnavailableError, ProviderError), match=words):
        house.embed(replace(spec, endpoint=replace(spec.endpoint, **changes)), "a")
    assert not vendor.asked


def test_a_missing_sdk_is_told_to_the_operator(house, vendor, monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "openai", None)

    with pytest.raises(ModelUnavailableError):
        house.embed(spec_of(OPENAI, vendor), "a")

    assert "pip install embedding-platform[openai]" in caplog.text
    assert house.told == [0]


def test_what_cannot_be_asked_is_not_made_anew_for_each_request(
    house, vendor, monkeypatch
):
    made = []
    monkeypatch.setattr(providers, "Transport", count_into(made))
    spec = make_spec(make_endpoint("", "azure"))

    for _ in range(3):
        with pytest.raises(ModelUnavailableError, match="needs the URL"):
            house.embed(spec, "a")

    assert len(made) == 1
    assert house.told == [0, 0, 0]
    mended = replace(spec, endpoint=replace(spec.endpoint, url=vendor.url))
    vendor.usual = OPENAI.answer
    assert house.embed(mended, "a").tokens == 3


def test_a_client_that_takes_long_to_make_holds_up_its_own_provider_alone(
    house, vendor, monkeypatch
):
    vendor.usual = OPENAI.answer
    is_importing, may_go_on = threading.Event(), threading.Event()
    slow = spec_of(OPENAI, vendor, provider_id=2)
    real = providers.Transport

    def open_slowly(endpoint):
        if endpoint.provider_id == slow.endpoint.provider_id:
            is_importing.set()
            assert may_go_on.wait(PATIENCE_S)
        return real(endpoint)

    monkeypatch.setattr(providers, "Transport", open_slowly)
    (waiting,) = start(lambda: house.embed(slow, "a"))
    assert is_importing.wait(PATIENCE_S)

    assert house.embed(spec_of(OPENAI, vendor), "b").tokens == 3

    may_go_on.set()
    assert waiting.join().tokens == 3


def count_into(made):
    """The transport, each of which is noted."""

    def open_one(endpoint):
        made.append(Transport(endpoint))
        return made[-1]

    return open_one


def test_a_private_address_is_never_asked(house, vendor, caplog):
    spec = spec_of(OPENAI, vendor, allowed_hosts=frozenset(), attempts=3)

    for scheme in ("http", "https"):
        url = f"{scheme}://127.0.0.1:{vendor.port}"
        with pytest.raises(ModelUnavailableError) as caught:
            house.embed(replace(spec, endpoint=replace(spec.endpoint, url=url)), "a")
        assert "127.0.0.1" not in str(caught.value)

    assert vendor.connections == 0
    assert house.told == ["forbidden", 0] * 2
    assert "private network" in caplog.text


def test_whoever_hangs_up_waits_no_longer(house, vendor):
    gate = threading.Event()
    vendor.answers.append(Answered(gate=gate))

    with pytest.raises(CancelledError):
        house.embed(spec_of(OPENAI, vendor), "a", call=make_call(is_gone=lambda: True))

    gate.set()


def test_tenants_share_one_limit_of_calls(house, vendor):
    gate = threading.Event()
    vendor.usual = lambda asked: replace(OPENAI.answer(asked), gate=gate)
    spec = spec_of(OPENAI, vendor, concurrency=2)

    running = start(
        *[
            lambda n=n: house.embed(spec, "a", call=make_call(tenant=f"t{n}"))
            for n in range(6)
        ]
    )
    until(lambda: len(vendor.asked) == 2)
    gate.set()

    assert [one.join().tokens for one in running] == [3] * 6
    assert vendor.most_at_once == 2


def test_an_operators_batch_size_counts(house, vendor):
    vendor.usual = OPENAI.answer

    house.embed(spec_of(OPENAI, vendor, options={"batch_texts": "2"}), *"abc")

    assert sorted(len(asked.body["input"]) for asked in vendor.asked) == [1, 2]


def test_after_the_end_nothing_is_asked(vendor):
    house = House()
    vendor.usual = OPENAI.answer
    spec = spec_of(OPENAI, vendor)
    house.embed(spec, "a")

    house.providers.close(drain_s=1)

    for one in (spec, replace(spec, endpoint=replace(spec.endpoint, provider_id=2))):
        with pytest.raises(OverloadedError):
            house.embed(one, "a")
    house.providers.close(drain_s=0)


def test_no_line_of_the_sdks_log_holds_a_text(house, vendor, caplog):
    caplog.set_level(logging.DEBUG)
    vendor.usual = OPENAI.answer

    for wire in WIRES:
        vendor.usual = wire.answer
        endpoint = make_endpoint(vendor.url, wire.backend, provider_id=len(wire.path))
        house.embed(make_spec(endpoint), "SECRET-TEXT")

    assert "SECRET-TEXT" not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(("normalize", "length"), [(None, 3), (False, 3), (True, 1)])
def test_lengths_are_the_vendors_unless_somebody_asks(house, vendor, normalize, length):
    vendor.usual = OPENAI.answer

    made = house.embed(spec_of(OPENAI, vendor), "abc", normalize=normalize)

    assert made.vectors[0].tolist() == [length, 0, 0, 0]
