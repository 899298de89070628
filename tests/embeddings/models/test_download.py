import pytest

from embeddings.models import ModelDownload
from tests.factories import make_model

pytestmark = pytest.mark.django_db


def test_newest_attempt_comes_first():
    model = make_model()
    first = ModelDownload.objects.create(model=model, source="org/name")
    second = ModelDownload.objects.create(model=model, source="org/name")

    assert list(ModelDownload.objects.all()) == [second, first]
    assert str(first) == "org/name: Running"


def test_attempts_leave_with_their_model():
    model = make_model()
    ModelDownload.objects.create(model=model, source="org/name")

    model.delete()

    assert not ModelDownload.objects.exists()
