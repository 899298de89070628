"""Instructions by task and target."""

import pytest

from accounts.revision import close_cache
from embeddings.catalog.instructions import instruction_for, seed_tasks
from embeddings.errors import InvalidRequestError
from embeddings.models import InstructionTask

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seeded():
    close_cache()
    seed_tasks()
    yield
    close_cache()


@pytest.mark.parametrize(
    ("task", "target"), [(None, None), ("", ""), ("", "query"), ("nl_to_code", "")]
)
def test_half_a_pair_is_no_instruction(task, target) -> None:
    assert instruction_for(task=task, target=target) is None


def test_a_known_pair_has_its_sentence() -> None:
    sentence = instruction_for(task="nl_to_code", target="query")

    assert sentence.startswith("Given a question about coding")
    assert sentence.endswith("retrieval code or passage that can solve user's question")
    assert instruction_for(task="nl_to_code", target="documents") == ""


@pytest.mark.parametrize(
    ("task", "target", "known"),
    [("code", "query", "nl_to_code"), ("nl_to_code", "docs", "documents, query")],
)
def test_an_unknown_pair_is_refused_with_the_known_ones(task, target, known) -> None:
    with pytest.raises(InvalidRequestError, match=known):
        instruction_for(task=task, target=target)


def test_operators_edits_are_kept() -> None:
    InstructionTask.objects.filter(target="query").update(instruction="Find code")
    InstructionTask.objects.filter(target="documents").delete()

    seed_tasks()

    assert instruction_for(task="nl_to_code", target="query") == "Find code"
    with pytest.raises(InvalidRequestError, match="known are: query"):
        instruction_for(task="nl_to_code", target="documents")


def test_operators_add_their_own() -> None:
    InstructionTask.objects.create(task="laws", target="query", instruction="Find it")

    assert instruction_for(task="laws", target="query") == "Find it"
    with pytest.raises(InvalidRequestError, match="known are: laws, nl_to_code"):
        instruction_for(task="taxes", target="query")


def test_without_any_task_none_is_known() -> None:
    InstructionTask.objects.all().delete()

    with pytest.raises(InvalidRequestError, match="known are: none"):
        instruction_for(task="nl_to_code", target="query")
