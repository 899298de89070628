"""What an engine takes of its machine."""

import logging

import pytest

from embeddings.engine import EngineConfig
from embeddings.engine.config import CPU_BATCH_TOKENS


@pytest.fixture
def cores(monkeypatch):
    """Makes the machine one of so many cores."""

    def set_cores(number):
        monkeypatch.setattr("embeddings.engine.config.usable_cores", lambda: number)

    set_cores(8)
    return set_cores


@pytest.mark.parametrize(
    ("given", "number", "expected"),
    [
        ({}, 1, (1, 1)),
        ({}, 4, (4, 1)),
        ({}, 64, (16, 4)),
        ({"threads": 2}, 8, (4, 2)),
        ({"streams": 2}, 8, (2, 4)),
        ({"streams": 3, "threads": 5}, 8, (3, 5)),
        ({"streams": 20}, 8, (20, 1)),
        ({"device": "cuda"}, 8, (1, 1)),
    ],
    ids=str,
)
def test_torch_has_many_streams_of_few_threads(cores, given, number, expected):
    cores(number)

    config = EngineConfig(**given).resolved()

    assert (config.streams, config.threads) == expected


@pytest.mark.parametrize(
    ("given", "number", "streams", "teams", "team_cores"),
    [
        ({}, 1, 2, 1, 1),
        ({}, 4, 3, 2, 4),
        ({}, 8, 5, 4, 8),
        ({}, 64, 16, 15, 64),
        ({"streams": 1}, 4, 1, 1, 4),
        ({"streams": 5}, 8, 5, 4, 8),
        ({"threads": 1}, 8, 5, 4, 4),
        ({"cores": 2}, 8, 2, 1, 2),
    ],
    ids=str,
)
def test_openvino_has_teams_and_a_stream_that_prepares(
    cores, tmp_path, given, number, streams, teams, team_cores
):
    cores(number)

    config = EngineConfig(runtime="openvino", cache_folder=tmp_path, **given).resolved()
    placement = config.placement()

    assert (config.streams, placement.teams, placement.cores) == (
        streams,
        teams,
        team_cores,
    )


def test_batches_on_a_cpu_stay_small():
    assert EngineConfig().resolved().batch_tokens == CPU_BATCH_TOKENS
    assert EngineConfig(batch_tokens=100).resolved().batch_tokens == 100
    assert EngineConfig(device="cuda").resolved().batch_tokens == 16_384


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "openvino"),
        ({"runtime": "openvino"}, "openvino"),
        ({"runtime": "torch"}, "torch"),
        ({"cache_folder": None}, "torch"),
        ({"device": "cuda:1"}, "torch"),
    ],
    ids=["auto", "openvino", "torch", "no folder", "gpu"],
)
def test_openvino_runs_on_cpus_where_it_may_keep_what_it_makes(
    tmp_path, given, expected
):
    config = EngineConfig(**{"cache_folder": tmp_path, **given}).resolved()

    assert config.runtime == expected
    conversions = tmp_path / "openvino" if expected == "openvino" else None
    assert config.placement().conversions == conversions


@pytest.mark.parametrize(
    ("runtime", "warnings"), [("auto", 0), ("openvino", 1)], ids=["auto", "openvino"]
)
def test_torch_runs_where_openvino_is_not_installed(
    tmp_path, monkeypatch, caplog, runtime, warnings
):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    config = EngineConfig(runtime=runtime, cache_folder=tmp_path)

    with caplog.at_level(logging.WARNING):
        resolved = config.resolved()

    assert resolved.runtime == "torch"
    assert len(caplog.records) == warnings
