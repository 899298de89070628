"""Folders as files: safe, whole, fingerprinted."""

import shutil
import struct

import pytest

from embeddings.engine import manifest
from embeddings.engine.errors import ModelUnavailableError


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny("minilm"), tmp_path / "copy")


def test_good_folder_passes(folder):
    manifest.check_files(folder)


def test_size_is_that_of_all_files(folder):
    before = manifest.size_bytes(folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "more.txt").write_text("12345", "ascii")

    assert manifest.size_bytes(folder) == before + 5


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(ModelUnavailableError, match="not on this disk"):
        manifest.check_files(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "1_Pooling/x.pt", "x.PKL", "code.py", "a/b/c.pickle"],
)
def test_files_that_can_run_code_are_refused(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

    with pytest.raises(ModelUnavailableError, match="could run code"):
        manifest.check_files(folder)


def test_link_out_of_the_folder_is_refused(folder, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (folder / "more.json").symlink_to(secret)

    with pytest.raises(ModelUnavailableError, match=r"more\.json is a link"):
        manifest.check_files(folder)


def test_link_within_the_folder_is_fine(folder):
    (folder / "alias.json").symlink_to(folder / "config.json")

    manifest.check_files(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_remote_code_is_refused(folder, name):
    (folder / name).write_text('{"auto_map": {}}')

    with pytest.raises(ModelUnavailableError, match="remote code"):
        manifest.check_files(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-1],
        lambda whole: whole + b"\0",
        lambda whole: whole[:5],
        lambda _: b"",
        lambda whole: struct.pack("<Q", 1 << 60) + whole[8:],
        lambda whole: whole[:8] + b"[" * 500 + whole[508:],
    ],
    ids=["short-by-one", "long-by-one", "no-header", "empty", "huge-header", "no-json"],
)
def test_damaged_weights_are_refused(folder, damage):
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(ModelUnavailableError, match=r"model\.safetensors"):
        manifest.check_files(folder)


def test_weights_are_counted_without_being_read(minilm):
    assert manifest.weight_bytes(minilm, precision="float32") == 22_713_728 * 4
    assert manifest.weight_bytes(minilm, precision="bfloat16") == 22_713_728 * 2


def test_weights_below_a_folder_are_counted_if_wanted(tiny):
    folder = tiny("splade-query")
    shallow, deep = (
        manifest.weight_bytes(folder, precision="float32", is_deep=is_deep)
        for is_deep in (False, True)
    )
    other = folder / "document_0_MLMTransformer"

    assert shallow > 0
    assert deep - shallow == manifest.weight_bytes(other, precision="float32")


def test_folder_without_weights_of_its_own_is_refused(folder, tmp_path):
    manifest.check_weights(folder)

    with pytest.raises(ModelUnavailableError, match="weights are not on this disk"):
        manifest.check_weights(tmp_path)


def test_fingerprint_depends_on_content_and_names_alone(folder, tiny):
    assert manifest.fingerprint(folder) == manifest.fingerprint(tiny("minilm"))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "modules.json").write_text("[]"),
        lambda folder: (folder / "more.txt").touch(),
        lambda folder: (folder / "config.json").rename(folder / "config2.json"),
    ],
    ids=["content", "new-file", "name"],
)
def test_fingerprint_tells_changes(folder, change):
    before = manifest.fingerprint(folder)

    change(folder)

    assert manifest.fingerprint(folder) != before


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, "\xff"], ids=["cut", "deep", "raw"]
)
def test_unreadable_json_is_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(ModelUnavailableError, match="cannot be read"):
        manifest.read_json(path)


def test_json_that_is_no_object_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("[]")

    with pytest.raises(ModelUnavailableError, match="does not hold an object"):
        manifest.read_mapping(tmp_path / "config.json")
