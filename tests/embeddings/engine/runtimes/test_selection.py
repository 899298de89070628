"""Which runtime a network gets, and what is remembered of it."""

import logging

import pytest
import torch

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.machine import supported_precisions
from embeddings.engine.runtimes import open_runtime, selection
from embeddings.engine.spec import Placement
from tests.embeddings.engine.making import make_spec, start
from tests.embeddings.engine.runtimes.networks import make_network


@pytest.fixture
def opened(tiny, tmp_path, request):
    """Opens a network as the model of a folder, caching in a folder of this test."""

    def open_network(network="bert", *, conversions=tmp_path, **spec):
        made = make_network(network) if isinstance(network, str) else network
        placement = Placement(cores=2, conversions=conversions)
        spec = make_spec(tiny("minilm"), max_tokens=60, **spec)
        runtime = open_runtime(made, spec=spec, placement=placement)
        request.addfinalizer(runtime.close)
        return runtime

    return open_network


@pytest.fixture
def conversions(monkeypatch):
    """How often a network was converted."""
    made = []
    convert = selection.convert
    monkeypatch.setattr(
        selection, "convert", lambda *given: (made.append(1), convert(*given))
    )
    return made


@pytest.fixture
def trials(monkeypatch):
    """How far OpenVINO was from torch, each time it was tried."""
    made = []
    measure = selection._distances

    def spy(*given, **named):
        made.append(measure(*given, **named))
        return made[-1]

    monkeypatch.setattr(selection, "_distances", spy)
    return made


def test_network_is_converted_and_tried_once(opened, conversions, trials):
    names = [opened().name for _ in range(3)]

    assert names == ["openvino"] * 3
    assert (len(conversions), len(trials)) == (1, 1)
    assert max(trials[0]) < 1e-9


def test_all_who_come_at_once_share_one_conversion(opened, conversions):
    runtimes = [one.join() for one in start(*[opened] * 4)]

    assert [runtime.name for runtime in runtimes] == ["openvino"] * 4
    assert len(conversions) == 1


def test_weights_are_held_once(opened):
    network = make_network("bert")

    opened(network)

    assert {weights.device.type for weights in network.parameters()} == {"meta"}


def test_other_files_are_another_network(opened, conversions, tmp_path):
    for fingerprint in ("a" * 64, "b" * 64, "a" * 64):
        opened(fingerprint=fingerprint)
    opened(fingerprint="a" * 64, route="query/0")

    assert len(conversions) == 3


@pytest.mark.parametrize("spoiled", ["network.bin", "contents.json"])
def test_damaged_conversion_is_made_anew(opened, conversions, tmp_path, spoiled):
    opened()
    (path,) = tmp_path.glob(f"*/{spoiled}")
    path.write_bytes(path.read_bytes()[:-50])

    assert opened().name == "openvino"
    assert len(conversions) == 2


def test_disagreement_leaves_the_network_to_torch(opened, trials, caplog):
    network = make_network("modernbert")

    with caplog.at_level(logging.WARNING):
        names = [opened(one).name for one in (network, make_network("modernbert"))]

    assert names == ["torch", "torch"]
    assert {weights.device.type for weights in network.parameters()} == {"cpu"}
    # The second time, the verdict of the first was known.
    assert len(trials) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "torch runs minilm, since OpenVINO differs from torch by nan, 1e-05 is allowed"
    ] * 2


def test_states_that_are_not_finite_are_no_agreement(opened):
    network = make_network("bert")
    with torch.no_grad():
        next(network.parameters()).fill_(torch.nan)

    assert opened(network).name == "torch"


def test_failed_conversion_leaves_the_network_to_torch(opened, monkeypatch, caplog):
    calls = []

    def fail(network, path):
        calls.append(path)
        raise RuntimeError("no such operation")

    monkeypatch.setattr(selection, "convert", fail)

    with caplog.at_level(logging.WARNING):
        names = [opened().name for _ in range(2)]

    assert names == ["torch", "torch"]
    assert len(calls) == 1
    assert "OpenVINO cannot take it (RuntimeError)" in caplog.text


def test_disk_that_fails_leaves_the_network_to_torch(opened, tmp_path, caplog):
    (tmp_path / "file").touch()

    with caplog.at_level(logging.WARNING):
        runtime = opened(conversions=tmp_path / "file" / "cache")

    assert runtime.name == "torch"
    assert "torch runs minilm" in caplog.text


def test_without_a_folder_torch_runs_all(opened):
    assert opened(conversions=None).name == "torch"


@pytest.mark.skipif(
    "bfloat16" not in supported_precisions(), reason="this processor has no bfloat16"
)
def test_precisions_share_a_conversion_but_no_verdict(opened, conversions, trials):
    for precision in ("float32", "bfloat16", "bfloat16"):
        assert opened("xlm-r", precision=precision).name == "openvino"

    assert (len(conversions), len(trials)) == (1, 2)
    assert max(trials[0]) < 1e-6 < max(trials[1])


def test_precision_the_processor_has_not_is_refused(opened, monkeypatch):
    monkeypatch.setattr("embeddings.engine.machine.flags", frozenset)

    with pytest.raises(ModelUnavailableError, match="is to run in bfloat16, which"):
        opened(precision="bfloat16")
