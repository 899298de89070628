"""Converted networks on disk."""

import threading

import pytest

from embeddings.engine.runtimes.conversions import Conversion


@pytest.fixture
def conversion(tmp_path):
    return Conversion(folder=tmp_path / "cache" / "one", versions={"made": "1"})


def convert(path):
    path.write_text("layers")
    path.with_suffix(".bin").write_bytes(bytes(100))


def write(conversion, convert=convert):
    with conversion.locked():
        conversion.write(convert)


def test_what_was_written_is_found(conversion):
    assert conversion.path() is None

    write(conversion)

    assert conversion.path().read_text() == "layers"
    assert {path.name for path in conversion.folder.iterdir()} == {
        "contents.json",
        "network.bin",
        "network.xml",
    }


@pytest.mark.parametrize("name", ["contents.json", "network.bin", "network.xml"])
@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.unlink(), lambda path: path.write_bytes(b"{}")],
    ids=["gone", "other"],
)
def test_what_is_damaged_is_not_used(conversion, name, spoil):
    write(conversion)

    spoil(conversion.folder / name)

    assert conversion.path() is None


def test_other_versions_conversion_is_replaced(conversion):
    write(conversion)
    newer = Conversion(folder=conversion.folder, versions={"made": "2"})
    assert newer.path() is None

    write(newer, lambda path: path.write_text("new"))

    assert newer.path().read_text() == "new"
    assert conversion.path() is None


def test_failed_conversion_leaves_what_was_there(conversion):
    write(conversion)

    def fail(path):
        convert(path)
        raise ValueError("cannot")

    with pytest.raises(ValueError, match="cannot"):
        write(conversion, fail)

    assert conversion.path() is not None
    names = {path.name for path in conversion.folder.parent.iterdir()}
    assert names == {"one", "one.lock"}


def test_open_files_outlive_their_replacement(conversion):
    write(conversion)

    with conversion.network.open() as file:
        write(conversion, lambda path: path.write_text("new"))

        assert file.read() == "layers"


def test_verdicts_are_kept_by_trial_and_versions(conversion):
    assert conversion.verdict("float32") is None

    conversion.judge("float32", "")
    conversion.judge("bfloat16", "too far")

    assert conversion.verdict("float32") == ""
    assert conversion.verdict("bfloat16") == "too far"
    newer = Conversion(folder=conversion.folder, versions={"made": "2"})
    assert newer.verdict("bfloat16") is None


def test_one_at_a_time_holds_the_lock(conversion):
    inside = []

    def work():
        with conversion.locked():
            inside.append(1)
            assert len(inside) == 1
            inside.pop()
            done.append(1)

    done = []
    threads = [threading.Thread(target=work) for _ in range(8)]
    with conversion.locked():
        for thread in threads:
            thread.start()
        assert done == []
    for thread in threads:
        thread.join(30)

    assert len(done) == 8
