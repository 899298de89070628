"""Folders are found on this machine or not at all; no package is imported for it."""

import sys
from pathlib import Path

import pytest

from embeddings.catalog.locate import PACKAGED, locate


@pytest.fixture(autouse=True)
def models_dir(settings, tmp_path: Path) -> Path:
    settings.MODELS_DIR = tmp_path / "models"
    return settings.MODELS_DIR


def test_an_absolute_path_is_itself(tmp_path: Path) -> None:
    assert locate(str(tmp_path)) == tmp_path
    assert locate(str(tmp_path / "nope")) is None
    file = tmp_path / "file"
    file.touch()
    assert locate(str(file)) is None


def test_a_hub_id_is_looked_for_among_the_models(models_dir: Path) -> None:
    (models_dir / "org" / "name").mkdir(parents=True)

    assert locate("org/name") == models_dir / "org" / "name"
    assert locate("org/other") is None


def test_a_packaged_model_is_found_without_importing_its_package() -> None:
    source = "sentence-transformers/all-MiniLM-L6-v2"
    package, _ = PACKAGED[source]

    folder = locate(source)

    assert folder is not None
    assert (folder / "model.safetensors").is_file()
    assert package not in sys.modules


def test_bm25_comes_with_the_platform() -> None:
    folder = locate("Chroma/BM25")

    assert folder is not None
    assert [path.name for path in folder.iterdir()] == ["bm25.json"]


@pytest.mark.parametrize("source", PACKAGED)
def test_a_downloaded_copy_beats_the_package(models_dir: Path, source: str) -> None:
    (models_dir / source).mkdir(parents=True)

    assert locate(source) == models_dir / source


def test_a_package_that_is_not_installed_is_no_error(monkeypatch) -> None:
    monkeypatch.setitem(PACKAGED, "org/name", ("no_such_package_at_all", "model"))

    assert locate("org/name") is None
