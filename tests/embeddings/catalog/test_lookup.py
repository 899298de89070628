"""Who finds which model under which name, and how soon a change is seen."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from accounts.authentication import Caller, caller_of
from accounts.models import ApiKey, Tenant
from accounts.revision import close_cache
from embeddings.catalog import providers
from embeddings.catalog.lookup import (
    entry_of,
    fold,
    models_of,
    resolve,
    spec_of_remote,
)
from embeddings.engine.spec import Truncate
from embeddings.errors import ModelNotFoundError, ModelRequiredError, UnavailableError
from embeddings.models import ModelAlias
from tests.factories import (
    grant,
    make_api_key,
    make_model,
    make_provider,
    make_remote_model,
    make_tenant,
)


def caller_for(tenant: Tenant, *model_names: str) -> Caller:
    """A caller of this tenant, held to these models."""
    return Caller(
        tenant_id=tenant.pk,
        tenant_slug=tenant.slug,
        api_key_id=1,
        scopes=frozenset({"embed"}),
        model_names=frozenset(model_names),
        expires_at=None,
    )


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("all-MiniLM-L6-v2", "ALL-minilm-l6-V2"),
        (" all-minilm ", "all-minilm"),
        ("all-minilm:latest", "all-minilm"),
        ("all-minilm", "all-minilm:LATEST"),
        ("all-minilm:22m", "all-minilm:22M"),
    ],
)
def test_names_are_one_whatever_their_case_or_latest(sent: str, stored: str) -> None:
    assert fold(sent) == fold(stored)


@pytest.mark.parametrize("other", ["all-minilm:22m", "all-minilm-", "latest", "a:b"])
def test_other_names_are_other_names(other: str) -> None:
    assert fold("all-minilm") != fold(other)


@pytest.mark.parametrize(
    "name", ["Org/Name", "org/name:latest", "ALIAS", "mine", "mine "]
)
def test_a_model_is_found_by_name_alias_and_own_alias(name: str, db: None) -> None:
    tenant = make_tenant()
    model = make_model("org/name", aliases=("alias",))
    grant(tenant, model, alias="mine")

    assert resolve(caller_for(tenant), name).name == "org/name"


def test_without_a_grant_there_is_nothing(house) -> None:
    outsider = caller_for(house.outsider)

    assert models_of(outsider) == ()
    for name in ("all-MiniLM-L6-v2", "all-minilm", "nope", "", "\0", "x" * 10_000):
        with pytest.raises(ModelNotFoundError):
            resolve(outsider, name)


def test_tenants_find_their_own_models_alone(house) -> None:
    acme, globex = caller_for(house.acme), caller_for(house.globex)

    assert [facts.name for facts in models_of(acme)] == ["all-MiniLM-L6-v2"]
    assert [facts.name for facts in models_of(globex)] == ["globex/own"]
    assert resolve(globex, "globex-alias").name == "globex/own"
    with pytest.raises(ModelNotFoundError):
        resolve(acme, "globex-alias")


def test_a_tenants_alias_beats_a_name_and_a_name_beats_an_alias(db: None) -> None:
    one, two = make_tenant(), make_tenant()
    first = make_model("first", aliases=("shared",))
    second = make_model("shared")
    for tenant in (one, two):
        grant(tenant, first)
        grant(tenant, second)
    grant(one, first, alias="SHARED")

    assert resolve(caller_for(one), "shared").name == "first"
    assert resolve(caller_for(two), "shared").name == "shared"


def test_facts_tell_of_the_folder_where_there_is_one(house) -> None:
    far = make_model("far", source="nobody/has-this")
    grant(house.acme, far)

    here, gone = models_of(caller_for(house.acme))

    assert (here.name, gone.name) == ("all-MiniLM-L6-v2", "far")
    assert here.anatomy.architecture == "bert"
    assert here.context_tokens == 512
    assert gone.anatomy.size_bytes == 0


def test_a_key_is_held_to_its_list(house) -> None:
    grant(house.acme, house.ungranted)
    held = caller_for(house.acme, "nobodys-model")

    assert resolve(held, "Nobodys-Model").name == "nobodys-model"
    assert [facts.name for facts in models_of(held)] == ["nobodys-model"]
    for name in ("all-MiniLM-L6-v2", "all-minilm"):
        with pytest.raises(ModelNotFoundError):
            resolve(held, name)
    with pytest.raises(ModelRequiredError):
        resolve(held, None)


def test_a_list_grants_nothing(house) -> None:
    held = caller_for(house.outsider, "all-MiniLM-L6-v2")

    with pytest.raises(ModelNotFoundError):
        resolve(held, "all-MiniLM-L6-v2")


def test_a_disabled_model_is_gone(house) -> None:
    house.model.is_enabled = False
    house.model.save()

    assert models_of(caller_for(house.acme)) == ()
    with pytest.raises(ModelNotFoundError):
        resolve(caller_for(house.acme), "all-minilm")
    with pytest.raises(ModelRequiredError):
        resolve(caller_for(house.acme), None)


def test_no_name_means_the_default(house) -> None:
    assert resolve(caller_for(house.acme), None).name == "all-MiniLM-L6-v2"
    with pytest.raises(ModelRequiredError):
        resolve(caller_for(house.globex), None)


@pytest.mark.parametrize(
    ("fields", "offered", "not_offered"),
    [
        ({}, [384], [0, -1, 1, 383, 385]),
        ({"matryoshka_sizes": [64, 128]}, [64, 128, 384], [63, 65, 0]),
        ({"matryoshka_min": 32}, [32, 33, 383, 384], [31, 0, 385]),
    ],
    ids=["none", "sizes", "minimum"],
)
def test_a_model_offers_what_its_row_says(fields, offered, not_offered, db) -> None:
    entry = entry_of(make_model(**fields))

    assert all(map(entry.offers, offered))
    assert not any(map(entry.offers, not_offered))


def test_a_row_becomes_what_the_engine_needs(db: None) -> None:
    row = make_model(
        "m",
        over_length="end",
        prompts={"query": "q: "},
        context_tokens=512,
        instruction_template="{instruction}{text}",
        fingerprint="f" * 64,
    )

    entry = entry_of(row)
    spec = entry.runnable()

    assert entry.over_length is Truncate.END
    assert (spec.name, spec.dimensions, spec.max_tokens) == ("m", 384, 256)
    assert (spec.context_tokens, spec.prompts) == (512, {"query": "q: "})
    assert spec.instruction_template == "{instruction}{text}"
    assert spec.fingerprint == "f" * 64
    assert (spec.source / "modules.json").is_file()


def test_a_model_that_is_not_here_cannot_run(db: None) -> None:
    entry = entry_of(make_model(source="nobody/has-this"))

    assert entry.spec is None
    with pytest.raises(UnavailableError, match="not downloaded"):
        entry.runnable()


@pytest.fixture
def cached(transactional_db: None) -> Iterator[None]:
    """The cache as it serves: outside of any transaction."""
    yield
    close_cache()


def soon(condition: Callable[[], bool], *, timeout_s: float = 1.5) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        threading.Event().wait(0.02)
    return False


def test_what_is_cached_costs_no_query(
    cached, django_assert_num_queries: Callable[..., object]
) -> None:
    tenant = make_tenant()
    grant(tenant, make_model("m", aliases=("a",)), is_default=True)
    issued = make_api_key(tenant)
    resolve(caller_of(issued.secret), "m")

    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        caller = caller_of(issued.secret)
        for name in ("m", "a", "M:latest", None):
            assert resolve(caller, name).name == "m"
        models_of(caller)


def test_changes_are_seen_within_a_second(cached) -> None:
    tenant = make_tenant()
    model = make_model("m")
    row = grant(tenant, model)
    caller = caller_for(tenant)

    def finds(name: str) -> bool:
        try:
            return resolve(caller, name).name == "m"
        except ModelNotFoundError:
            return False

    assert finds("m")
    alias = ModelAlias.objects.create(model=model, name="later")
    assert soon(lambda: finds("later"))
    alias.delete()
    assert soon(lambda: not finds("later"))
    model.is_enabled = False
    model.save()
    assert soon(lambda: not finds("m"))
    model.is_enabled = True
    model.save()
    assert soon(lambda: finds("m"))
    row.delete()
    assert soon(lambda: not finds("m"))


def test_a_grant_is_seen_though_its_absence_was_cached(cached) -> None:
    tenant, model = make_tenant(), make_model("m")
    caller = caller_for(tenant)
    assert models_of(caller) == ()

    grant(tenant, model)

    assert soon(lambda: len(models_of(caller)) == 1)


def test_a_look_up_leaves_no_connection_behind(cached) -> None:
    tenant = make_tenant()
    grant(tenant, make_model("m"))
    connection.close()

    resolve(caller_for(tenant), "m")

    assert connection.connection is None
    assert ApiKey.objects.count() == 0


def test_a_providers_row_becomes_an_endpoint_and_no_folder(db, field_keys) -> None:
    provider = make_provider("ours", credential="sk-secret")
    row = make_remote_model("m", provider=provider, source="/etc/../deployment")

    spec = entry_of(row).runnable()

    assert spec.endpoint is not None
    assert (spec.endpoint.provider, spec.endpoint.secret) == ("ours", "sk-secret")
    assert (spec.remote_name, spec.dimensions) == ("/etc/../deployment", 1536)
    assert not spec.source.exists()
    assert spec.key != spec_of_remote(make_remote_model(provider=provider)).key
    assert "sk-secret" not in repr(spec)


def test_a_folder_of_the_same_name_is_not_looked_for(db, settings, tmp_path) -> None:
    settings.MODELS_DIR = tmp_path
    (tmp_path / "text-embedding-3-small").mkdir()

    spec = entry_of(make_remote_model()).runnable()

    assert spec.endpoint is not None
    assert tmp_path not in spec.source.parents


def test_a_providers_models_are_unavailable_while_it_is_off(db) -> None:
    row = make_remote_model("m", provider=make_provider(is_enabled=False))

    entry = entry_of(row)

    with pytest.raises(UnavailableError, match="'m' is not available now"):
        entry.runnable()
    assert spec_of_remote(row).remote_name == row.source


def test_a_credential_that_cannot_be_read_harms_no_other_model(
    db, field_keys, settings, caplog
) -> None:
    providers._turns.forget()
    tenant = make_tenant()
    lost = make_provider("lost", credential="sk-secret")
    grant(tenant, make_remote_model("remote", provider=lost))
    grant(tenant, make_model("local"))
    settings.FIELD_KEYS = []
    caller = caller_for(tenant)

    with pytest.raises(UnavailableError) as caught:
        resolve(caller, "remote").runnable()
    assert resolve(caller, "local").runnable()

    assert "lost" not in str(caught.value)
    assert "Provider lost: Its credential cannot be read" in caplog.text
    assert lost.credential not in caplog.text
    lost.refresh_from_db()
    assert "FIELD_KEYS is not set" in lost.trouble


def test_a_model_of_our_own_has_no_remote_spec(db) -> None:
    with pytest.raises(ValueError, match="has no provider"):
        spec_of_remote(make_model())


def test_any_number_of_providers_is_one_query(db, django_assert_num_queries) -> None:
    tenant = make_tenant()
    for _ in range(5):
        grant(tenant, make_remote_model())

    with django_assert_num_queries(2):
        assert len(models_of(caller_for(tenant))) == 5


def test_a_provider_that_is_switched_off_is_known_within_a_second(cached) -> None:
    tenant, provider = make_tenant(), make_provider()
    grant(tenant, make_remote_model("m", provider=provider))
    caller = caller_for(tenant)
    assert resolve(caller, "m").spec is not None

    provider.is_enabled = False
    provider.save()

    assert soon(lambda: resolve(caller, "m").spec is None)
