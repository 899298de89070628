"""Why a call to a provider brought nothing; `Providers` translates each once.

The words of a provider's answer are never part of a message: they may repeat a text.
"""

from typing import ClassVar


class CallError(Exception):
    """Base of what a call may fail with; `outcome` is what it is counted under."""

    outcome: ClassVar[str] = "failed"
    may_retry = False
    retry_after_s: float | None = None


class StatusError(CallError):
    """The provider answered with another status than 200.

    `body` is the beginning of its answer, for a backend to judge by.
    """

    def __init__(
        self,
        status: int,
        *,
        body: bytes = b"",
        retry_after_s: float | None = None,
        may_retry: bool = False,
    ) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.retry_after_s = retry_after_s
        self.may_retry = may_retry

    @property
    def outcome(self) -> str:  # type: ignore[override]
        """The class of the status, the one that means "later" apart."""
        return "429" if self.status == 429 else f"{self.status // 100}xx"  # noqa: PLR2004 - has a meaning of its own


class UnreachableError(CallError):
    """No connection, or one that broke."""

    outcome = "unreachable"
    may_retry = True


class SlowError(CallError):
    """No whole answer in time; it may have been billed, so it is not asked again."""

    outcome = "timeout"


class ForbiddenUrlError(CallError):
    """The URL or the address behind it is none that may be asked."""

    outcome = "forbidden"


class BadAnswerError(CallError):
    """The answer is not what was asked for."""

    outcome = "bad_answer"


class TooLongError(CallError):
    """A text has more tokens than the model takes and may not be cut."""

    outcome = "too_long"


def failure_in(error: BaseException) -> CallError:
    """The call's failure, however deep a vendor's SDK has wrapped it.

    What came of nothing of ours is the SDK's own, about an answer it cannot read.
    """
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        if isinstance(inner, CallError):
            return inner
        seen.add(id(inner))
        inner = inner.__cause__ or inner.__context__
    return BadAnswerError(f"the SDK failed with {type(error).__name__}")
