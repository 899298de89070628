"""Pulling over a real socket: whole, resumed, refused, and never half published."""

import contextlib
import json
import shutil

import pytest
from transformers.utils import logging as transformers_logging

from embeddings.catalog import pulling
from embeddings.catalog.hub import HubError
from embeddings.catalog.locate import locate
from embeddings.catalog.pulling import find, pull
from embeddings.engine.errors import ModelUnavailableError
from embeddings.models import EmbeddingModel, ModelDownload
from tests.factories import make_model, make_provider, make_remote_model
from tests.hub import COMMIT, Hub, serving
from tests.tiny_models import build

pytestmark = pytest.mark.django_db

TINY = {"dimensions": 32, "max_tokens": 24}


@pytest.fixture
def hub(settings, tmp_path, monkeypatch):
    """A hub with one model, org/mini, and an empty MODELS_DIR."""
    transformers_logging.disable_progress_bar()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    settings.MODELS_DIR = tmp_path / "models"
    with serving(Hub(models={"org/mini": build("minilm", tmp_path / "hub")})) as made:
        settings.HF_ENDPOINT = made.url
        yield made


def test_row_of_the_catalog_is_fetched_and_served(hub):
    row = make_model("mini", source="org/mini", aliases=("small",), **TINY)
    told = []

    model = pull("SMALL", report=lambda done, total: told.append((done, total)))

    assert model == row
    folder = locate("org/mini")
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in hub.models["org/mini"].iterdir()
    }
    model.refresh_from_db()
    assert model.manifest.keys() >= {"model.safetensors", "tokenizer.json"}
    assert len(model.fingerprint) == 64
    size = sum(entry["size"] for entry in hub.describe("org/mini")["siblings"])
    assert told[-1] == (size, size)


def test_progress_is_a_row(hub):
    make_model("mini", source="org/mini", **TINY)

    pull("mini")

    note = ModelDownload.objects.get()
    assert (note.state, note.error, note.revision) == ("done", "", COMMIT)
    assert note.bytes_done == note.bytes_total > 0
    assert note.files_total == len(hub.describe("org/mini")["siblings"])


def test_hub_id_becomes_a_row(hub):
    model = pull("org/mini")

    assert (model.name, model.source, model.dimensions) == ("org/mini", "org/mini", 32)
    assert find("ORG/mini") == model
    assert ModelDownload.objects.get().model == model


def test_broken_connection_is_gone_on_with(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 4096)
    hub.break_after = 20_000

    with contextlib.suppress(HubError):
        pull("org/mini")
    if locate("org/mini") is None:
        pull("org/mini")

    assert hub.ranges == ["bytes=16384-"]
    assert locate("org/mini") is not None


def test_other_bytes_are_never_published(hub):
    hub.lies = True

    with pytest.raises(HubError, match="not what the hub says"):
        pull("org/mini")

    assert locate("org/mini") is None
    assert ModelDownload.objects.get().state == "failed"
    assert not EmbeddingModel.objects.exists()
    hub.lies = False
    assert pull("org/mini")


def test_folder_that_must_not_be_served_leaves_the_old_one(hub, tmp_path):
    model = pull("org/mini")
    before = model.fingerprint
    shutil.rmtree(hub.models["org/mini"])
    hub.models["org/mini"] = build("nan", tmp_path / "worse")

    with pytest.raises(ModelUnavailableError, match="not finite"):
        pull("org/mini")

    model.refresh_from_db()
    assert model.fingerprint == before
    assert locate("org/mini") is not None
    assert ModelDownload.objects.first().error == (
        "the model makes vectors that are not finite"
    )


def test_newer_folder_takes_the_place_of_the_older(hub, tmp_path):
    before = pull("org/mini").fingerprint
    path = hub.models["org/mini"] / "config_sentence_transformers.json"
    path.write_text(json.dumps({"prompts": {"query": "q: "}}))

    model = pull("org/mini")

    assert model.fingerprint != before
    assert (locate("org/mini") / path.name).read_text() == path.read_text()
    assert not list((tmp_path / "models/.pulls").glob("*.old"))


def test_operators_words_stay(hub):
    make_model("mini", source="org/mini", dimensions=32, max_tokens=9, owner="us")

    model = pull("mini")

    assert (model.max_tokens, model.owner) == (9, "us")


def test_another_models_folder_is_refused(hub):
    make_model("mini", source="org/mini", dimensions=384, max_tokens=24)

    with pytest.raises(ModelUnavailableError, match="vectors of 32 dimensions"):
        pull("mini")

    assert locate("org/mini") is None


@pytest.mark.parametrize(
    ("gone", "reason"),
    [("model.safetensors", "safetensors"), ("tokenizer.json", r"tokenizer\.json")],
)
def test_repository_without_what_is_needed_is_refused_before_fetching(
    hub, gone, reason
):
    (hub.models["org/mini"] / gone).unlink()

    with pytest.raises(HubError, match=reason):
        pull("org/mini")

    assert not any("resolve" in asked for asked in hub.asked)


def test_only_what_is_served_from_is_fetched(hub):
    folder = hub.models["org/mini"]
    for name in ("pytorch_model.bin", "evil.py", "onnx/model.json", "README.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")

    pull("org/mini")

    found = {path.name for path in locate("org/mini").rglob("*")}
    assert not found & {"pytorch_model.bin", "evil.py", "onnx", "README.md", ".cache"}


@pytest.mark.parametrize(("model_type", "is_served"), [("bert", True), ("evil", False)])
def test_needless_code_is_left_behind_and_needed_code_refused(
    hub, model_type, is_served
):
    path = hub.models["org/mini"] / "config.json"
    facts = json.loads(path.read_text())
    facts |= {"model_type": model_type, "auto_map": {"AutoModel": "evil.Evil"}}
    path.write_text(json.dumps(facts))

    if is_served:
        pull("org/mini")
        config = json.loads((locate("org/mini") / "config.json").read_text())
        assert "auto_map" not in config
    else:
        with pytest.raises(ModelUnavailableError, match="remote code"):
            pull("org/mini")


@pytest.mark.parametrize(
    ("changes", "name", "reason"),
    [
        ({}, "org/other", "no model org/other"),
        ({"status": 401, "error_code": "GatedRepo"}, "org/mini", "gated"),
        ({"status": 503}, "org/mini", "answers 503"),
        ({}, "no such/name at all", "no model"),
        ({}, "/tmp/folder", "no model|folder of its own|lies in a folder"),
    ],
    ids=["unknown", "gated", "busy", "malformed", "path"],
)
def test_what_the_hub_does_not_give_is_one_sentence(hub, changes, name, reason):
    for key, value in changes.items():
        setattr(hub, key, value)

    with pytest.raises(HubError, match=reason):
        pull(name)


def test_unknown_revision_is_told(hub):
    with pytest.raises(HubError, match="no such revision"):
        pull("org/mini", revision="v9")


def test_two_pulls_of_one_model_do_not_mix(hub):
    with (
        pulling._only("org/mini"),
        pytest.raises(HubError, match="being pulled already"),
    ):
        pull("org/mini")


def test_full_disk_is_told_before_fetching(hub, monkeypatch):
    free = shutil._ntuple_diskusage(total=1, used=1, free=5)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)

    with pytest.raises(HubError, match="0 MiB are free"):
        pull("org/mini")


def test_a_providers_model_is_not_on_the_hub():
    make_remote_model("far", provider=make_provider("openai"), source="org/mini")

    with pytest.raises(HubError, match="openai's model and has no files"):
        pull("far")

    assert not ModelDownload.objects.exists()
