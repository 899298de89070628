"""The command that fetches a model from a hub."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from embeddings.models import EmbeddingModel
from tests.hub import COMMIT, Hub, serving
from tests.tiny_models import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    settings.MODELS_DIR = tmp_path / "models"
    with serving(Hub(models={"org/mini": build("minilm", tmp_path / "hub")})) as made:
        settings.HF_ENDPOINT = made.url
        yield made


def run(*arguments):
    out = io.StringIO()
    call_command("pull_model", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_json_tells_what_came(hub):
    told = json.loads(run("org/mini", "--json"))

    row = EmbeddingModel.objects.get()
    assert told["bytes"] > 0
    assert {**told, "bytes": 0} == {
        "name": "org/mini",
        "source": "org/mini",
        "revision": COMMIT,
        "bytes": 0,
        "family": "encoder",
        "output": "dense",
        "dimensions": 32,
        "max_tokens": 24,
        "fingerprint": row.fingerprint,
    }


def test_text_is_one_line(hub):
    assert run("org/mini") == (
        "pulled org/mini: encoder, dense, 32 dimensions, 24 tokens\n"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mini", "the catalog has no 'mini'; hub ids are org/name"),
        ("org/other", "the hub has no model org/other"),
        ("org/mi ni", "the hub has no model"),
    ],
)
def test_what_is_not_there_is_one_sentence(hub, name, reason):
    with pytest.raises(CommandError, match=reason) as caught:
        run(name)

    assert "\n" not in str(caught.value)


def test_unfit_model_is_one_sentence(hub, tmp_path):
    hub.models["org/bad"] = build("nan", tmp_path / "bad")

    with pytest.raises(CommandError, match="vectors that are not finite"):
        run("org/bad")
