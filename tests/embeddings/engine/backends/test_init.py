"""Backends are found by walking, and by the entry points of other packages."""

import subprocess
import sys

import pytest

from embeddings.engine.backends import GROUP, backend_named, backend_titles
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.providers import Providers
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.spec import Job
from tests.embeddings.engine.making import make_call
from tests.embeddings.engine.vendor import Answered
from tests.embeddings.engine.wires import make_endpoint, make_spec

HERE = "tests.embeddings.engine.backends.custom_backend"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Packages that are installed, with an entry point each."""

    def install(**entries):
        folder = tmp_path / f"package-{len(entries)}.dist-info"
        folder.mkdir()
        folder.joinpath("METADATA").write_text("Name: package\nVersion: 1\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        text = "\n".join([f"[{GROUP}]", *lines])
        folder.joinpath("entry_points.txt").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_a_custom_backend_is_one_class_and_an_entry_point(installed, vendor):
    installed(plain=f"{HERE}:PlainBackend")
    vendor.usual = lambda asked: Answered(
        body={"vectors": [[len(text), 0] for text in asked.body["texts"]], "n": 5}
    )
    spec = make_spec(make_endpoint(vendor.url, "plain"), dimensions=2)
    providers = Providers(Hooks())
    job = Job(spec=spec, inputs=("a", "bb"))

    made = providers.embed(
        providers.prepare(job, spec.endpoint), make_call(), spec.endpoint
    )

    assert made.vectors.tolist() == [[1, 0], [2, 0]]
    assert made.tokens == 5
    assert backend_titles()["plain"] == "plain"
    assert vendor.asked[0].headers["authorization"].startswith("Bearer ")
    providers.close(drain_s=0)


def test_a_name_of_ours_stays_ours(installed):
    ours = backend_named("openai")
    installed(openai=f"{HERE}:PlainBackend")

    assert backend_named("openai") is ours
    assert backend_titles()["openai"] == ours.title


@pytest.mark.parametrize(
    ("name", "value"),
    [("gone", "no.such.module:Backend"), ("other", f"{HERE}:PATH")],
)
def test_what_is_no_backend_is_told(installed, caplog, name, value):
    installed(**{name: value})

    with pytest.raises(ModelUnavailableError):
        backend_named(name)
    assert caplog.records[-1].levelname == "ERROR"


def test_an_unknown_backend():
    with pytest.raises(ModelUnavailableError, match="no backend nobody"):
        backend_named("nobody")


def test_walking_imports_no_sdk():
    code = (
        "import sys; from embeddings.engine.backends import backend_titles;"
        "assert set(backend_titles()) >= {'openai', 'azure', 'cohere', 'google'};"
        "assert not {'openai', 'cohere', 'google.genai', 'httpx'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
