"""Instructions by task and target."""

import pytest

from embeddings.catalog.instructions import TASKS, instruction_for
from embeddings.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("task", "target"), [(None, None), ("", ""), ("", "query"), ("nl_to_code", "")]
)
def test_half_a_pair_is_no_instruction(task, target) -> None:
    assert instruction_for(task=task, target=target) is None


def test_a_known_pair_has_its_sentence() -> None:
    sentence = instruction_for(task="nl_to_code", target="query")

    assert sentence == TASKS["nl_to_code"]["query"]
    assert sentence.endswith("retrieval code or passage that can solve user's question")
    assert instruction_for(task="nl_to_code", target="documents") == ""


@pytest.mark.parametrize(
    ("task", "target", "known"),
    [("code", "query", "nl_to_code"), ("nl_to_code", "docs", "documents, query")],
)
def test_an_unknown_pair_is_refused_with_the_known_ones(task, target, known) -> None:
    with pytest.raises(InvalidRequestError, match=known):
        instruction_for(task=task, target=target)
