"""What an engine may use of its machine."""

import importlib.util
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from embeddings.engine.machine import chosen_device, usable_cores
from embeddings.engine.spec import Placement

logger = logging.getLogger(__name__)

RUNTIMES = ("auto", "torch", "openvino")
#: Padded tokens per batch beyond which a CPU gains nothing and its caches lose.
CPU_BATCH_TOKENS = 2048
#: Streams beyond which Python's own lock is what they wait for.
MOST_STREAMS = 16
#: Cores that OpenVINO puts on one batch. Wider teams make less of small batches, and
#: wait for their slowest member where others want the cores too.
TEAM_CORES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What the engine may use; 0 streams, threads or cores are chosen by the machine.

    A stream runs one batch at a time on `threads` threads of torch: one wide team of
    OpenMP's collapses as soon as something else wants a core, so there are many streams
    of few threads. OpenVINO's teams do not collapse, so they may be wider, and one
    stream more prepares the next batch meanwhile. `cores` is for all batches together.
    `batch_tokens` counts padding and is what one batch may have at most;
    `queue_tokens` bounds what waits. `keep_alive_s` as in `Call`, for models whose
    callers ask for nothing else. `device` is auto, cpu or a name of torch's, `runtime`
    one of `RUNTIMES`. `cache_folder` is for what need not be made again by each
    process; without one there is no OpenVINO.
    """

    memory_bytes: int = 4 << 30
    streams: int = 0
    threads: int = 0
    cores: int = 0
    batch_tokens: int = 16_384
    queue_tokens: int = 4_000_000
    keep_alive_s: float = 300.0
    device: str = "cpu"
    runtime: str = "auto"
    cache_folder: Path | None = None

    def resolved(self) -> "EngineConfig":
        """The same as it will be used: nothing is left to be chosen."""
        device = chosen_device(self.device)
        if device != "cpu":
            return replace(
                self,
                device=device,
                runtime="torch",
                streams=self.streams or 1,
                threads=self.threads or 1,
                cores=1,
            )
        cores = self.cores or usable_cores()
        runtime = self._runtime()
        if runtime == "openvino":
            streams = self.streams or 1 + max(1, cores // TEAM_CORES)
        else:
            streams = self.streams or max(1, cores // (self.threads or 1))
        streams = min(streams, self.streams or MOST_STREAMS)
        if self.threads and runtime == "openvino":
            cores = self.threads * _teams(streams)
        return replace(
            self,
            device=device,
            runtime=runtime,
            streams=streams,
            threads=self.threads or max(1, cores // streams),
            cores=cores,
            batch_tokens=min(self.batch_tokens, CPU_BATCH_TOKENS),
        )

    def placement(self) -> Placement:
        """Where models go; of a resolved configuration."""
        folder = self.cache_folder if self.runtime == "openvino" else None
        return Placement(
            device=self.device,
            threads=self.threads,
            cores=self.cores,
            teams=_teams(self.streams),
            conversions=folder / "openvino" if folder is not None else None,
        )

    def _runtime(self) -> str:
        """Torch where OpenVINO is not wanted, not installed or has no folder."""
        if self.runtime == "torch" or self.cache_folder is None:
            return "torch"
        if importlib.util.find_spec("openvino") is not None:
            return "openvino"
        if self.runtime == "openvino":
            logger.warning("OpenVINO is not installed: torch runs all models")
        return "torch"


def _teams(streams: int) -> int:
    return max(1, streams - 1)
