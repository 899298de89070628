"""One live server for all the real clients."""

import gc
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings

from tests.live import MODEL, LiveServer, new_database
from tests.tiny_models import build

HERE = Path(__file__).parent
CALL_ALL = """
from django.core.management import call_command
for command in {commands}:
    call_command(*command)
"""
NEW_TENANT = """
import json
from accounts.models import ApiKey, Quota, Tenant
from embeddings.models import EmbeddingModel, ModelGrant
tenant = Tenant.objects.create(name={slug!r}, slug={slug!r})
ModelGrant.objects.create(
    tenant=tenant, model=EmbeddingModel.objects.get(name={model!r}), is_default=True
)
for kind, amount in {quotas!r}.items():
    Quota.objects.create(tenant=tenant, kind=kind, amount=amount)
print(json.dumps(ApiKey.objects.issue(tenant=tenant, name="test").secret))
"""
NEW_TASK = """
INSERT INTO embeddings_instructiontask (task, target, instruction)
VALUES ('cooking', 'query', 'recipe'), ('cooking', 'documents', '') RETURNING id
"""
_numbers = count(1)
#: Tiny models that stand for those that Chroma's functions can name.
SPARSE = {"splade": "prithivida/Splade_PP_en_v1", "bge-m3": "BAAI/bge-m3"}
#: One with prompts for queries and documents, instructions, and vectors of two sizes.
PROMPTED = "tiny-prompted"
PROMPTED_OPTIONS = (
    "--matryoshka",
    "8",
    "--instruction-template",
    "{instruction}|{text}",
)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(
        database_url=new_database(settings.DATABASE_URL, f"clients_{os.getpid()}"),
        data_dir=tmp_path_factory.mktemp("live"),
        settings={"KEY_IN_PATH": "1"},
    )
    live.set_up()
    # What Chroma Cloud's function can name; here it is this tenant's own alias.
    commands = [["grant_model", "acme", MODEL, "--alias", "Qwen/Qwen3-Embedding-0.6B"]]
    for name, alias in SPARSE.items():
        folder = build(name, tmp_path_factory.mktemp("models") / name)
        commands += [
            ["register_model", f"tiny-{name}", "--path", str(folder)],
            ["grant_model", "acme", f"tiny-{name}", "--alias", alias],
        ]
    commands += [["grant_model", "acme", "Chroma/BM25"]]
    # A dense model that no other tenant has.
    folder = build("minilm", tmp_path_factory.mktemp("models") / "minilm")
    commands += [
        ["register_model", "tiny-minilm", "--path", str(folder)],
        ["grant_model", "acme", "tiny-minilm"],
    ]
    folder = build("prompted", tmp_path_factory.mktemp("models") / PROMPTED)
    commands += [
        ["register_model", PROMPTED, "--path", str(folder), *PROMPTED_OPTIONS],
        ["grant_model", "acme", PROMPTED],
    ]
    # All in one process: most of a command's time is its imports.
    live.manage("shell", "-c", CALL_ALL.format(commands=commands))
    live.query(NEW_TASK)
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def neighbour(server: LiveServer) -> Iterator[LiveServer]:
    """Another process on the same database; it believes X-Forwarded-For from here."""
    own = {"RATE_FAILED_KEYS": "3/86400", "TRUSTED_PROXIES": "127.0.0.1"}
    live = replace(server, settings={**server.settings, **own}, port=0, process=None)
    live.start()
    yield live
    live.stop()


@pytest.fixture
def key_with(server: LiveServer):
    """The key of a new tenant with these quotas."""

    def key_with(**quotas: int) -> str:
        slug = f"quotas-{next(_numbers)}"
        named = {kind.replace("_", "-"): amount for kind, amount in quotas.items()}
        code = NEW_TENANT.format(slug=slug, model=MODEL, quotas=named)
        last = server.manage("shell", "-c", code).strip().splitlines()[-1]
        return str(json.loads(last))

    return key_with


@pytest.fixture(autouse=True, scope="module")
def sockets_left_open_are_collected() -> Iterator[None]:
    """Collect what the client libraries leave behind while it is nobody's fault.

    After each module only: with all that is imported here it takes 0.3 s.
    """
    yield
    gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the client libraries leave their sockets to the garbage collector."""
    for item in items:
        if item.path.parent == HERE:
            for kind in ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind}"))
