"""What a runtime offers: a network's hidden states for batches of token ids."""

from typing import Any, Protocol

from torch import Tensor, nn


class LastHiddenState(nn.Module):
    """A transformer of the transformers library as ids and mask in, states out."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) of ids and mask (batch, tokens)."""
        output: Any = self.transformer(input_ids=ids, attention_mask=mask)
        hidden: Tensor = output[0]
        return hidden


class Runtime(Protocol):
    """A network that runs somewhere; several threads may use it at once.

    `name` is the runtime's own: torch or openvino.
    """

    name: str

    def hidden_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) of right-padded ids and mask
        (batch, tokens) int64, on the placement's device."""
        ...

    def close(self) -> None:
        """Give the network's memory back."""
        ...
