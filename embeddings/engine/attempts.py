"""A batch on a model, tried until each of its texts has a vector or an error."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embeddings.engine.errors import EngineError, ForwardError, OverloadedError
from embeddings.engine.families.base import Model
from embeddings.engine.spec import Vector
from embeddings.engine.tickets import Item
from embeddings.engine.vectors import is_finite

logger = logging.getLogger(__name__)

#: When those may ask again whose text found no memory.
MEMORY_RETRY_S = 5.0


class DeviceLostError(Exception):
    """The device answers no more; nothing on it will ever succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of some texts at once: vectors in their order, or one error."""

    items: Sequence[Item]
    vectors: Sequence[Vector] = ()
    error: EngineError | None = None
    is_mismatch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The rules for a batch that fails; `deliver` is told of each outcome at once.

    Lack of memory halves the batch, and `shrunk` is told; a single text gets one more
    try after `make_room`. Any other error halves too, until the bad text is alone. A
    vector that is not finite is made once more, alone. Raises `DeviceLostError`.
    """

    deliver: Callable[[Outcome], None]
    shrunk: Callable[[Sequence[Item]], None]
    make_room: Callable[[], None]
    is_device_lost: Callable[[BaseException], bool]

    def run(
        self, model: Model, items: Sequence[Item], *, has_room: bool = False
    ) -> None:
        """Embed the texts whose callers still wait."""
        items = [item for item in items if not item.ticket.done.is_set()]
        if not items:
            return
        made = self._forward(model, items)
        # Retries come after the error's frames are gone: they pin the batch's memory.
        if not isinstance(made, _Failure):
            self._deliver(model, items, made)
        elif made.is_out_of_memory:
            self.shrunk(items)
            self._run_smaller(model, items, has_room=has_room)
        elif len(items) > 1:
            self._run_halves(model, items)
        else:
            error = ForwardError(f"the model failed on input {items[0].index}")
            self.deliver(Outcome(items=items, error=error))

    def _run_smaller(
        self, model: Model, items: Sequence[Item], *, has_room: bool
    ) -> None:
        """Halves of what found no memory; a single text once more with all there is."""
        if len(items) > 1:
            self._run_halves(model, items)
        elif not has_room:
            self.make_room()
            self.run(model, items, has_room=True)
        else:
            message = f"no memory for input {items[0].index} now"
            error = OverloadedError(message, retry_after_s=MEMORY_RETRY_S)
            self.deliver(Outcome(items=items, error=error))

    def _run_halves(self, model: Model, items: Sequence[Item]) -> None:
        half = len(items) // 2
        self.run(model, items[:half])
        self.run(model, items[half:])

    def _deliver(
        self, model: Model, items: Sequence[Item], vectors: Sequence[Vector]
    ) -> None:
        """Hand out the finite vectors; the others' texts run once more, alone."""
        if len(vectors) != len(items):
            logger.error("%d texts became %d vectors", len(items), len(vectors))
            error = ForwardError("the server failed on a text")
            self.deliver(Outcome(items=items, error=error, is_mismatch=True))
            return
        good: list[int] = []
        bad: list[int] = []
        for place, vector in enumerate(vectors):
            (good if is_finite(vector) else bad).append(place)
        if good:
            self.deliver(
                Outcome(
                    items=[items[place] for place in good],
                    vectors=[vectors[place] for place in good],
                )
            )
        for item in (items[place] for place in bad):
            if len(items) > 1:
                self.run(model, [item])
            else:
                message = f"the vector of input {item.index} is not finite"
                self.deliver(Outcome(items=[item], error=ForwardError(message)))

    def _forward(
        self, model: Model, items: Sequence[Item]
    ) -> "Sequence[Vector] | _Failure":
        try:
            return model.embed([item.row for item in items])
        # Whoever sits at the terminal is not the model.
        except KeyboardInterrupt:
            raise
        # Whatever the model raised, a smaller batch may do better.
        except BaseException as error:
            if self.is_device_lost(error):
                raise DeviceLostError(str(error)) from error
            is_single = len(items) == 1
            logger.warning("a batch of %d failed", len(items), exc_info=is_single)
            return _Failure(is_out_of_memory=model.is_out_of_memory(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    is_out_of_memory: bool
