"""The engine's errors: texts and facts."""

from embeddings.engine.errors import (
    EngineError,
    InputTooLongError,
    ModelUnavailableError,
    OverloadedError,
)


def test_too_long_names_the_input_and_the_limit():
    error = InputTooLongError(index=3, tokens=900, limit=512)

    assert str(error) == "input 3 has 900 tokens, the model takes at most 512"
    assert (error.index, error.tokens, error.limit) == (3, 900, 512)


def test_too_long_may_count_characters():
    error = InputTooLongError(index=0, tokens=9, limit=5, unit="characters")

    assert str(error) == "input 0 has 9 characters, the model takes at most 5"


def test_waits_are_told():
    assert OverloadedError("busy", retry_after_s=3.0).retry_after_s == 3.0
    assert ModelUnavailableError("gone").retry_after_s == 30.0
    assert issubclass(OverloadedError, EngineError)
