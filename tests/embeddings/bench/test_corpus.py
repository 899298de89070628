"""The texts to measure with: always the same ones."""

import pytest

from embeddings.bench import corpus

ONE = ("rest_framework",)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two files, one of which is no Python."""
    folder = tmp_path / "documented"
    folder.mkdir()
    long = "It explains at length what nobody had asked, twice."
    (folder / "__init__.py").write_text(f'"""{long}\n\nShort.\n\n{long}\n"""\n')
    (folder / "part.py").write_text(
        f'class A:\n    """{long[::-1]}"""\n    def f(self):\n        """Brief."""\n'
    )
    (folder / "template.py").write_text("{% if %}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(corpus, "_found", corpus._found.__wrapped__)
    return long


def test_paragraphs_are_found_once_and_headings_are_not(package):
    found = corpus.paragraphs(2, packages=("documented",))

    assert sorted(found) == sorted([package, package[::-1]])


def test_too_few_paragraphs_are_told(package):
    with pytest.raises(ValueError, match="documented have 2 paragraphs, not 3"):
        corpus.paragraphs(3, packages=("documented",))


def test_packages_that_are_missing_have_none():
    with pytest.raises(ValueError, match="nowhere_at_all have 0"):
        corpus.paragraphs(1, packages=("nowhere_at_all",))


def test_the_same_texts_come_each_time_and_fewer_are_the_first_ones():
    many, few = corpus.paragraphs(300, packages=ONE), corpus.paragraphs(9, packages=ONE)

    assert many[:9] == few
    assert many == corpus.paragraphs(300, packages=ONE)
    assert len(set(many)) == 300


def test_texts_come_mixed_not_by_length_or_letter():
    found = corpus.paragraphs(300, packages=ONE)
    first, last = found[:150], found[150:]

    assert 0.5 < sum(map(len, first)) / sum(map(len, last)) < 2
    assert found != tuple(sorted(found))


def test_short_texts_are_the_first_words():
    assert corpus.short_texts(["a b c d e f g h", "one"]) == ("a b c d e f", "one")


def test_lengths_are_described():
    found = corpus.lengths([5, 1, 3, 2, 4])

    assert (found.texts, found.tokens, found.mean) == (5, 15, 3)
    assert found.quantiles[0] == 1
    assert found.quantiles[50] == 3
    assert found.quantiles[100] == 5
