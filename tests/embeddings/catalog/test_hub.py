"""Which of a repository's files are wanted; fetching is tested with pulling."""

import hashlib

import pytest

from embeddings.catalog.hub import HubError, HubFile, HubFolder, check, is_wanted


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model.safetensors", True),
        ("model-00001-of-00002.safetensors", True),
        ("model.safetensors.index.json", True),
        ("1_Pooling/config.json", True),
        ("query_0_MLMTransformer/model.safetensors", True),
        ("vocab.txt", True),
        ("sentencepiece.bpe.model", True),
        ("sparse_linear.pt", True),
        ("colbert_linear.pt", False),
        ("other/sparse_linear.pt", False),
        ("pytorch_model.bin", False),
        ("modeling.py", False),
        ("onnx/config.json", False),
        ("openvino/openvino_model.json", False),
        (".gitattributes", False),
        (".hidden/config.json", False),
        ("README.md", False),
    ],
)
def test_only_what_a_model_is_served_from_is_wanted(path, expected):
    assert is_wanted(path) is expected


def blob_of(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"right", None),
        (b"wrong", "a.json is not what the hub says it is"),
        (b"shorter than that", "a.json did not come whole"),
        (None, "a.json did not come whole"),
    ],
    ids=["right", "wrong", "size", "missing"],
)
@pytest.mark.parametrize("is_large", [True, False], ids=["large", "small"])
def test_every_file_is_held_against_the_hubs_digest(
    tmp_path, content, reason, is_large
):
    sha256 = hashlib.sha256(b"right").hexdigest() if is_large else None
    file = HubFile(path="a.json", size=5, sha256=sha256, blob_id=blob_of(b"right"))
    folder = HubFolder(source="org/name", revision="1", files=(file,))
    if content is not None:
        (tmp_path / "a.json").write_bytes(content)

    if reason is None:
        check(folder, tmp_path)
    else:
        with pytest.raises(HubError, match=reason):
            check(folder, tmp_path)
