"""Whether OpenVINO may run a network: it has to give the states that torch gives."""

import logging
from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import version
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from embeddings.engine import manifest
from embeddings.engine.machine import processor
from embeddings.engine.runtimes.base import LastHiddenState
from embeddings.engine.runtimes.conversions import Conversion
from embeddings.engine.runtimes.openvino import OpenVinoRuntime, convert
from embeddings.engine.runtimes.torch import use_threads
from embeddings.engine.spec import ModelSpec, Placement

logger = logging.getLogger(__name__)

#: How far 1 - cosine to torch's float32 states may be from 0, per text.
TOLERANCE = {"float32": 1e-5, "bfloat16": 1e-3}
#: Of the longest text of the trial: more than the usual window of local attention.
TRIAL_TOKENS = 160


class UnsuitableError(Exception):
    """OpenVINO must not run a network, with the reason."""


def open_converted(
    network: LastHiddenState, *, spec: ModelSpec, placement: Placement
) -> OpenVinoRuntime:
    """The network in OpenVINO, converted and tried once for all processes.

    `placement.conversions` keeps what was made. The network's own weights are gone
    afterwards. Raises `UnsuitableError` where torch has to run it, and `OSError` where
    the disk fails; then they are as they were.
    """
    if placement.conversions is None:
        raise UnsuitableError("there is no folder for what OpenVINO needs")
    folder = placement.conversions / _name(spec)
    conversion = Conversion(folder=folder, versions=versions())
    trial = f"{spec.precision}-{processor()}"
    with conversion.locked():
        refusal = conversion.verdict(trial)
        if refusal is None:
            refusal = _try(network, conversion, spec=spec, placement=placement)
            conversion.judge(trial, refusal)
        if refusal:
            raise UnsuitableError(refusal)
        path = _converted(network, conversion)
    # OpenVINO has the same weights of its own.
    network.to("meta")
    return OpenVinoRuntime(path, precision=spec.precision, placement=placement)


@cache
def versions() -> dict[str, str]:
    """What a conversion depends on beside the network."""
    return {name: version(name) for name in ("openvino", "torch", "transformers")}


def distance(found: Tensor, expected: Tensor) -> float:
    """1 - cosine of one text's states and another's, (tokens, width) each.

    Not a number where one of theirs is not.
    """
    first, second = found.double().flatten(), expected.double().flatten()
    return float(1 - first @ second / (first.norm() * second.norm()))


def _try(
    network: LastHiddenState,
    conversion: Conversion,
    *,
    spec: ModelSpec,
    placement: Placement,
) -> str:
    """Why OpenVINO must not run the network; empty where it may."""
    tolerance = TOLERANCE[spec.precision]
    use_threads(placement.cores)
    try:
        path = _converted(network, conversion)
        runtime = OpenVinoRuntime(path, precision=spec.precision, placement=placement)
        # Python's own maximum passes over what is not a number.
        worst = np.max(_distances(network, runtime, longest=spec.max_tokens))
        runtime.close()
    # What the disk and the memory lack now they may have next time.
    except (OSError, MemoryError):
        raise
    except Exception as error:
        logger.info("OpenVINO cannot take %s", spec.name, exc_info=True)
        return f"OpenVINO cannot take it ({type(error).__name__})"
    # Not a number is no agreement either.
    if not worst <= tolerance:
        return f"OpenVINO differs from torch by {worst:.1e}, {tolerance:.0e} is allowed"
    return ""


def _converted(network: LastHiddenState, conversion: Conversion) -> Path:
    path = conversion.path()
    if path is None:
        conversion.write(partial(convert, network))
        path = conversion.network
    return path


def _distances(
    network: LastHiddenState, runtime: OpenVinoRuntime, *, longest: int
) -> list[float]:
    """How far each of a few made-up texts' states are from torch's.

    They differ in length, in one batch and between batches: what the trace took for a
    constant shows.
    """
    longest = min(longest, TRIAL_TOKENS)
    found = []
    for lengths in ((longest, longest // 2 + 1, 2, 1), (longest // 3 + 1,)):
        ids, mask = _batch(network, lengths)
        with torch.inference_mode():
            states = runtime.hidden_states(ids, mask), network(ids, mask)
        # What pooling leaves out must be finite all the same: it is multiplied by 0.
        is_finite = bool(states[0].isfinite().all())
        found += [
            distance(one[:length], other[:length]) if is_finite else nan
            for one, other, length in zip(*states, lengths, strict=True)
        ]
    return found


def _batch(network: LastHiddenState, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Ids and mask of texts of these lengths, of any of the vocabulary's tokens."""
    config: Any = network.transformer.config
    pad_id = int(config.pad_token_id or 0)
    generator = torch.Generator().manual_seed(len(lengths))
    shape = (len(lengths), max(lengths))
    ids = torch.randint(int(config.vocab_size), shape, generator=generator)
    ids[ids == pad_id] = (pad_id + 1) % int(config.vocab_size)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)).long()
    return ids.where(mask.bool(), pad_id), mask


def _name(spec: ModelSpec) -> str:
    """The conversion's folder: which files, read how."""
    fingerprint = spec.fingerprint or manifest.fingerprint(spec.source)
    parts = (fingerprint[:32], spec.family, spec.route.replace("/", "-"))
    return "-".join(filter(None, parts))
