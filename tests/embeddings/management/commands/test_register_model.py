"""The command that puts a folder into the catalog."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from embeddings.models import EmbeddingModel
from tests.factories import make_model
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
