"""Who is measured on this machine, and what their figures should be to each other."""

from pathlib import Path

import torch

from embeddings.bench.arithmetic import Quantity, Target
from embeddings.bench.plan import Contender, Figure, Kind
from embeddings.engine.config import EngineConfig
from embeddings.engine.machine import supported_precisions

ENCODE = "encode"
INFINITY = "Infinity"
CEILING = "matrix products"
#: Processes of the web server that are tried.
PROCESSES = (1, 2)


def engine_name(runtime: str, precision: str) -> str:
    """How the table names the engine in one of its forms."""
    return f"{runtime} {precision}"


def server_name(processes: int) -> str:
    """How the table names the web server."""
    return f"HTTP, {processes} process{'es' if processes > 1 else ''}"


def in_process(cache_folder: Path) -> list[Contender]:
    """Those that embed in a process of their own, ours first."""
    usual = default_runtime(cache_folder)
    no_openvino = "" if usual == "openvino" else "OpenVINO is not installed"
    no_bfloat16 = ""
    if "bfloat16" not in supported_precisions():
        no_bfloat16 = "this processor has no bfloat16"
    found = [
        _engine("torch", "float32", cache_folder),
        _engine("openvino", "float32", cache_folder, lacks=no_openvino),
        _engine("openvino", "bfloat16", cache_folder, lacks=no_openvino or no_bfloat16),
        Contender(name=ENCODE, kind=Kind.ENCODE),
        Contender(name=CEILING, kind=Kind.CEILING),
    ]
    if torch.cuda.is_available():
        found += [
            _engine("torch", "bfloat16", cache_folder, device="cuda"),
            Contender(name=f"{ENCODE}, GPU", kind=Kind.ENCODE, device="cuda"),
            Contender(name=f"{CEILING}, GPU", kind=Kind.CEILING, device="cuda"),
        ]
    return found


def default_runtime(cache_folder: Path) -> str:
    """What the engine runs models with on the CPU when nobody chooses."""
    return EngineConfig(cache_folder=cache_folder).resolved().runtime


def servers(cache_folder: Path) -> list[Contender]:
    """The web server, in as many processes as are tried, with the usual runtime."""
    return [
        Contender(
            name=server_name(processes),
            kind=Kind.SERVER,
            runtime=default_runtime(cache_folder),
            processes=processes,
            cache_folder=cache_folder,
        )
        for processes in PROCESSES
    ]


def targets(cache_folder: Path) -> list[Target]:
    """The ratios that the figures of one run should have."""
    float32 = engine_name("openvino", "float32")
    usual = engine_name(default_runtime(cache_folder), "float32")
    one, two = (server_name(processes) for processes in PROCESSES)
    bulk, clients = Figure.BULK, Figure.CLIENTS
    return [
        _target("bulk, OpenVINO float32 : encode", float32, ENCODE, bulk, at_least=5),
        _target(
            "bulk, OpenVINO bfloat16 : encode",
            *(engine_name("openvino", "bfloat16"), ENCODE, bulk),
            at_least=8,
        ),
        _target(
            "time of one short text, OpenVINO float32 : encode",
            *(float32, ENCODE, Figure.SHORT),
            at_most=0.4,
        ),
        _target("bulk, HTTP : the engine itself", one, usual, bulk, at_least=0.85),
        _target("clients, 1 process : Infinity", one, INFINITY, clients, at_least=2),
        _target("clients, 2 processes : Infinity", two, INFINITY, clients, at_least=3),
        Target(
            title="time per token, many texts : few",
            of=Quantity(contender=usual, figure=Figure.MANY),
            to=Quantity(contender=usual, figure=Figure.FEW),
            at_least=0.85,
            at_most=1.15,
        ),
        Target(
            title="peak memory, many texts : few",
            of=Quantity(contender=usual, figure=Figure.MANY_PEAK),
            to=Quantity(contender=usual, figure=Figure.FEW_PEAK),
            at_most=1.15,
        ),
    ]


def _engine(
    runtime: str,
    precision: str,
    cache_folder: Path,
    *,
    device: str = "cpu",
    lacks: str = "",
) -> Contender:
    place = ", GPU" if device != "cpu" else ""
    return Contender(
        name=engine_name(runtime, precision) + place,
        kind=Kind.ENGINE,
        runtime=runtime,
        precision=precision,
        device=device,
        cache_folder=cache_folder,
        lacks=lacks,
    )


def _target(
    title: str,
    of: str,
    to: str,
    figure: Figure,
    *,
    at_least: float = 0.0,
    at_most: float = float("inf"),
) -> Target:
    return Target(
        title=title,
        of=Quantity(contender=of, figure=figure),
        to=Quantity(contender=to, figure=figure),
        at_least=at_least,
        at_most=at_most,
    )
