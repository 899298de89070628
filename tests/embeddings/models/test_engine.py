from uuid import uuid4

import pytest
from django.utils import timezone

from embeddings.models import EngineCommand, EngineProcess
from tests.factories import make_model

pytestmark = pytest.mark.django_db


def test_commands_come_in_the_order_they_were_given():
    model = make_model()
    given = [
        EngineCommand.objects.create(model=model, action=action)
        for action in EngineCommand.Action
    ]

    assert list(EngineCommand.objects.all()) == given
    assert str(given[0]) == f"Warm {model}"


def test_process_tells_where_it_runs():
    now = timezone.now()
    process = EngineProcess.objects.create(
        id=uuid4(), host="box", pid=7, started_at=now, seen_at=now
    )

    assert str(process) == "box 7"
