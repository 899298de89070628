"""Converted networks, run."""

import subprocess
import sys
import threading
from functools import cache

import pytest
import torch

from embeddings.engine.machine import supported_precisions
from embeddings.engine.runtimes.openvino import OpenVinoRuntime, convert
from embeddings.engine.runtimes.selection import distance
from embeddings.engine.spec import Placement
from tests.embeddings.engine.making import start
from tests.embeddings.engine.runtimes.networks import (
    ARCHITECTURES,
    VOCABULARY,
    make_network,
)

#: States are of scale 4; the sharpest networks are the furthest off.
TOLERANCE = 2e-4
#: Whose local attention leaves padding nothing to look at, of which OpenVINO makes NaN.
PADDING_TAKES = sorted(ARCHITECTURES.keys() - {"modernbert"})
#: What sends nothing.
STAND_IN = "openvino.tools.ovc.telemetry_stub"
#: Loads a folder and embeds, in OpenVINO; tells events of these kinds.
NOISE = """
import sys
from pathlib import Path

noise = []
KINDS = ("socket.", "os.fork", "os.posix_spawn", "subprocess.", "os.exec", "os.system")
import torch, transformers, sentence_transformers
sys.addaudithook(lambda event, _: event.startswith(KINDS) and noise.append(event))

from embeddings.engine import Call, EngineConfig, Engine, Job, ModelSpec, Output
engine = Engine(EngineConfig(runtime="openvino", cache_folder=Path(sys.argv[2])))
spec = ModelSpec(name="it", source=Path(sys.argv[1]), family="encoder", dimensions=32,
                 outputs=frozenset({Output.DENSE}), max_tokens=24)
engine.run(engine.prepare(Job(spec=spec, inputs=("hello",))),
           Call(tenant="me", deadline=1e9))
(model,) = engine.loaded()
print(model.runtime, noise)
# What it would send it sends from a thread, perhaps after this.
print(sys.modules["openvino.tools.ovc.telemetry_utils"].tm.__name__)
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A network by its architecture, and OpenVINO running it."""
    folder = tmp_path_factory.mktemp("converted")

    @cache
    def open_network(name, precision="float32"):
        network, path = make_network(name), folder / f"{name}.xml"
        if not path.exists():
            convert(network, path)
        placement = Placement(cores=2, teams=2)
        return network, OpenVinoRuntime(path, precision=precision, placement=placement)

    return open_network


def batch(*lengths, seed=3):
    """Ids and mask of texts of these lengths, padded with 0 or 1 alike."""
    ids = torch.randint(
        2, VOCABULARY, (len(lengths), max(lengths)), generator=torch.manual_seed(seed)
    )
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    return ids, mask.long()


def states(run, ids, mask, *, pad_id):
    """The states of the real tokens, (tokens, width)."""
    with torch.inference_mode():
        return run(ids.where(mask.bool(), pad_id), mask)[mask.bool()]


def pad_of(network):
    return network.transformer.config.pad_token_id or 0


@pytest.mark.parametrize("name", PADDING_TAKES)
def test_states_of_any_batch_are_torchs(opened, name):
    network, runtime = opened(name)

    for lengths in ((40, 17, 5, 1), (3,), (60, 59), (40, 17, 5, 1)):
        ids, mask = batch(*lengths)
        expected = states(network, ids, mask, pad_id=pad_of(network))
        found = states(runtime.hidden_states, ids, mask, pad_id=pad_of(network))
        assert found == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("precision", "hint"), [("float32", "f32"), ("bfloat16", "bf16")]
)
def test_precision_is_never_left_to_openvino(opened, precision, hint):
    if precision not in supported_precisions():
        pytest.skip("this processor has no bfloat16")
    _, runtime = opened("bert", precision)

    found = runtime._teams._model.get_property("INFERENCE_PRECISION_HINT")

    assert found.get_type_name() == hint


@pytest.mark.skipif(
    "bfloat16" not in supported_precisions(), reason="this processor has no bfloat16"
)
def test_bfloat16_is_near_but_not_the_same(opened):
    network, runtime = opened("bert", "bfloat16")
    ids, mask = batch(40)

    expected = states(network, ids, mask, pad_id=0)
    found = states(runtime.hidden_states, ids, mask, pad_id=0)

    assert 1e-7 < distance(found, expected) < 2e-3


def test_threads_get_their_own_states(opened):
    network, runtime = opened("bert")
    batches = [batch(*range(1, n + 2), seed=n) for n in range(16)]
    expected = [states(network, *one, pad_id=0) for one in batches]

    running = start(
        *[
            lambda one=one: states(runtime.hidden_states, *one, pad_id=0)
            for one in batches * 3
        ]
    )

    for wanted, one in zip(expected * 3, running, strict=True):
        assert one.join() == pytest.approx(wanted, abs=TOLERANCE)


def test_later_batches_leave_earlier_states_alone(opened):
    _, runtime = opened("bert")
    ids, mask = batch(9)
    first = runtime.hidden_states(ids, mask)
    kept = first.clone()

    for seed in range(5):
        runtime.hidden_states(*batch(9, seed=seed))

    assert torch.equal(first, kept)


def test_requests_are_reused_by_all_threads(opened):
    _, runtime = opened("mpnet")
    runtime.hidden_states(*batch(3))
    before = list(runtime._all._idle)

    for seed in range(6):
        thread = threading.Thread(
            target=runtime.hidden_states, args=batch(3, seed=seed)
        )
        thread.start()
        thread.join()

    assert runtime._all._idle == before


def test_failed_batch_leaves_the_next_one_alone(opened):
    network, runtime = opened("bert")
    ids, mask = batch(5)
    too_long = torch.ones(1, 500, dtype=torch.int64)

    with pytest.raises(RuntimeError):
        runtime.hidden_states(too_long, too_long)

    expected = states(network, ids, mask, pad_id=0)
    found = states(runtime.hidden_states, ids, mask, pad_id=0)
    assert found == pytest.approx(expected, abs=TOLERANCE)


def test_callers_threads_are_few(opened):
    _, runtime = opened("bert")
    before = torch.get_num_threads()
    torch.set_num_threads(2)

    runtime.hidden_states(*batch(3))

    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


def test_nothing_is_sent_and_nothing_forks(tiny, tmp_path):
    arguments = [str(tiny("minilm")), str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOISE, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["openvino []", STAND_IN]
