import pytest
from django.db import IntegrityError, transaction

from accounts.models import Revision
from embeddings.models import InstructionTask

pytestmark = pytest.mark.django_db


def make_task(**changes):
    facts = {"task": "search", "target": "query", "instruction": "Find it"}
    return InstructionTask.objects.create(**{**facts, **changes})


def test_task_has_one_instruction_per_target():
    make_task()
    make_task(target="documents", instruction="")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_task(instruction="Another")


@pytest.mark.parametrize("change", [{"task": ""}, {"target": ""}], ids=str)
def test_task_and_target_have_names(change):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_task(**change)


@pytest.mark.django_db(transaction=True)
def test_edit_empties_the_caches():
    before = Revision.objects.current()

    make_task()

    assert Revision.objects.current() > before
    assert str(InstructionTask.objects.get()) == "search / query"
