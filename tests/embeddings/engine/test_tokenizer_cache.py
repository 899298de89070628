"""Tokenizers are read once, and failures are not kept."""

import dataclasses

import pytest

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families import family_named
from embeddings.engine.tokenizer_cache import TokenizerCache
from tests.embeddings.engine.making import make_spec, start


def of_family(spec):
    return family_named(spec.family).tokenizer(spec)


def test_tokenizer_is_read_once_whoever_asks(tiny):
    tokenizers = TokenizerCache(of_family)
    spec = make_spec(tiny("minilm"))

    running = start(*[lambda: tokenizers.get(spec)] * 8)

    assert len({id(one.join()) for one in running}) == 1


@pytest.mark.parametrize("change", [{"family": "other"}, {"route": "query"}])
def test_each_family_and_route_has_its_own(tiny, change):
    tokenizers = TokenizerCache(lambda _: object())
    spec = make_spec(tiny("minilm"))

    other = dataclasses.replace(spec, **change)

    assert tokenizers.get(other) is not tokenizers.get(spec)


def test_failure_is_not_remembered(tiny, tmp_path):
    tokenizers = TokenizerCache(of_family)
    source = tiny("minilm")
    spec = dataclasses.replace(make_spec(source), source=tmp_path)
    with pytest.raises(ModelUnavailableError):
        tokenizers.get(spec)

    (tmp_path / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())

    assert tokenizers.get(spec)
