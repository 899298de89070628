"""The command that puts a folder into the catalog."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from embeddings.models import EmbeddingModel
from tests.factories import make_model, make_provider
from tests.tiny_models import build

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder fit to serve."""
    return build("minilm", tmp_path_factory.mktemp("models") / "minilm")


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("register_model", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_json_is_all_that_goes_to_the_output(folder: Path) -> None:
    out, err = run("tiny", "--path", str(folder), "--alias", "t", "--json")

    row = EmbeddingModel.objects.get()
    assert json.loads(out) == {
        "name": "tiny",
        "family": "encoder",
        "output": "dense",
        "dimensions": 32,
        "max_tokens": row.max_tokens,
        "aliases": ["t"],
        "fingerprint": row.fingerprint,
    }
    assert "checking" in err


def test_text_says_what_was_registered(folder: Path) -> None:
    out, _ = run(
        *("tiny", "--path", str(folder), "--matryoshka", "8", "--matryoshka", "16"),
        *("--max-tokens", "9", "--over-length", "end"),
        *("--instruction-template", "{instruction}{text}"),
    )

    assert out == "registered tiny: encoder, 32 dimensions, 9 tokens\n"
    assert EmbeddingModel.objects.get().matryoshka_sizes == [8, 16]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tiny", "--path", "/no/such/folder"), "is not a folder"),
        (("a b", "--path", "FOLDER"), "letters, digits"),
        (("x" * 201, "--path", "FOLDER"), "at most 200"),
        (("taken", "--path", "FOLDER"), "leads to another model"),
        (("tiny", "--path", "FOLDER", "--max-tokens", "0"), "not 0"),
        (("tiny", "--path", "/etc"), "cannot be served"),
    ],
)
def test_a_failure_is_one_plain_sentence(arguments, sentence, folder: Path) -> None:
    make_model("other", aliases=("taken",))

    with pytest.raises(CommandError, match=sentence) as caught:
        run(*(str(folder) if a == "FOLDER" else a for a in arguments))

    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)


def test_a_providers_model_is_registered_without_a_call() -> None:
    make_provider("OpenAI")

    out, err = run(
        *("small", "--provider", "openai", "--alias", "s"),
        *("--remote-model", "text-embedding-3-small", "--dimensions", "512", "--json"),
    )

    assert json.loads(out) == {
        "name": "small",
        "family": "",
        "output": "dense",
        "dimensions": 512,
        "max_tokens": 8192,
        "aliases": ["s"],
        "fingerprint": "",
        "provider": "OpenAI",
        "remote_model": "text-embedding-3-small",
    }
    assert err == ""


def test_a_vendors_own_name_is_the_default() -> None:
    make_provider("vendor", kind="cohere")

    out, _ = run("embed-english-v3.0", "--provider", "vendor")

    assert out == (
        "registered embed-english-v3.0: embed-english-v3.0 of vendor, "
        "1024 dimensions, 512 tokens\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("m", "--provider", "nobody"), "There is no provider"),
        (("m", "--provider", "vendor"), "must be said"),
        (("m", "--provider", "vendor", "--family", "splade"), "has no family"),
        (("m", "--provider", "vendor", "--path", "/etc"), "not allowed with"),
        (("m",), "required"),
        (("m", "--path", "/etc", "--dimensions", "8"), "says itself"),
        (("a b", "--provider", "vendor", "--remote-model", "embed-v4.0"), "letters"),
    ],
)
def test_what_does_not_fit_a_provider_is_refused(arguments, sentence) -> None:
    make_provider("vendor", kind="cohere")

    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
