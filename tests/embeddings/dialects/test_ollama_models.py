"""Models in Ollama's lists: names, times, sizes, and what is always there."""

import pytest

from embeddings.dialects import ollama_models
from embeddings.engine.anatomy import Anatomy
from embeddings.engine.spec import Output
from tests.samples import loaded_facts, some_facts


@pytest.mark.parametrize(
    ("name", "tagged"),
    [
        ("all-minilm", "all-minilm:latest"),
        ("all-minilm:22m", "all-minilm:22m"),
        ("org/name", "org/name:latest"),
        ("host:5000/org/name", "host:5000/org/name:latest"),
    ],
)
def test_names_have_a_tag(name: str, tagged: str) -> None:
    assert ollama_models.tagged(name) == tagged


@pytest.mark.parametrize(
    ("unix_s", "written"),
    [(0, "1970-01-01T00:00:00Z"), (1705329600.25, "2024-01-15T14:40:00.250000Z")],
)
def test_times_are_rfc_3339(unix_s: float, written: str) -> None:
    assert ollama_models.timestamp(unix_s) == written


def test_the_newest_is_listed_first() -> None:
    models = [some_facts("old", created_at=1), some_facts("new", created_at=2)]

    listed = ollama_models.listed(models)["models"]

    assert [model["name"] for model in listed] == ["new:latest", "old:latest"]  # type: ignore[attr-defined]


def test_what_the_folder_does_not_tell_is_left_out() -> None:
    shown = ollama_models.shown(some_facts(family="bm25"))

    assert shown["model_info"] == {
        "general.architecture": "bm25",
        "bm25.context_length": 256,
        "bm25.embedding_length": 384,
    }
    assert shown["details"]["format"] == ""  # type: ignore[index]


def test_sparse_vectors_are_no_capability_of_ollamas() -> None:
    sparse = some_facts(outputs=frozenset({Output.SPARSE}))

    assert "capabilities" not in ollama_models.shown(sparse)


def test_digests_are_there_and_differ_without_a_fingerprint() -> None:
    models = ollama_models.listed([some_facts("a"), some_facts("b")])["models"]

    digests = {model["digest"] for model in models}  # type: ignore[attr-defined]
    assert {len(digest) for digest in digests} == {64}
    assert len(digests) == 2


def test_those_that_stay_longest_come_first() -> None:
    expiring = {"soon": 1.7e9, "ever": None, "later": 1_700_000_900.5, "odd": 1e300}
    models = [
        loaded_facts(name, model=some_facts(name), expires_at=expires_at)
        for name, expires_at in expiring.items()
    ]

    loaded = ollama_models.loaded(models)["models"]

    assert [one["name"] for one in loaded] == [  # type: ignore[attr-defined]
        "ever:latest",
        "odd:latest",
        "later:latest",
        "soon:latest",
    ]
    assert [one["expires_at"] for one in loaded] == [  # type: ignore[attr-defined]
        "2318-01-01T00:00:00Z",
        "2318-01-01T00:00:00Z",
        "2023-11-14T22:28:20.500000Z",
        "2023-11-14T22:13:20Z",
    ]


@pytest.mark.parametrize(("is_on_gpu", "size_vram"), [(False, 0), (True, 5000)])
def test_what_is_on_a_gpu_takes_its_memory(is_on_gpu: bool, size_vram: int) -> None:
    one = loaded_facts(bytes=5000, is_on_gpu=is_on_gpu)

    (loaded,) = ollama_models.loaded([one])["models"]  # type: ignore[misc]

    assert (loaded["size"], loaded["size_vram"]) == (5000, size_vram)


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        (0, ""),
        (7, "7"),
        (4_385, "4K"),
        (22_713_216, "23M"),
        (595_776_512, "596M"),
        (7_610_000_000, "7.6B"),
    ],
)
def test_parameters_are_written_short(parameters: int, written: str) -> None:
    facts = some_facts(anatomy=Anatomy(parameters=parameters))

    details = ollama_models.shown(facts)["details"]

    assert details["parameter_size"] == written  # type: ignore[index]
