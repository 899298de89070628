"""Providers: what their table refuses, and that a credential shows nowhere."""

import io
from importlib.metadata import EntryPoint

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.encryption import EncryptionError
from accounts.models import Revision
from embeddings.engine import backends
from embeddings.models import EmbeddingModel, Provider
from embeddings.models.provider import provider_kinds
from tests.factories import make_model, make_provider, make_remote_model

pytestmark = pytest.mark.django_db
SECRET = "sk-very-secret"


def test_a_credential_is_encrypted_and_read_again(field_keys) -> None:
    made = make_provider(credential=f" {SECRET}\n")

    kept = Provider.objects.get()
    assert kept.secret() == SECRET
    assert SECRET not in kept.credential
    assert kept.has_credential
    assert kept.credential_set_at == made.credential_set_at


def test_without_a_credential_the_secret_is_empty() -> None:
    kept = make_provider()

    assert (kept.secret(), kept.has_credential) == ("", False)


def test_a_wrong_key_is_an_error(field_keys, settings) -> None:
    kept = make_provider(credential=SECRET)
    settings.FIELD_KEYS = []

    with pytest.raises(EncryptionError):
        kept.secret()


def test_a_removed_credential_is_gone(field_keys) -> None:
    kept = make_provider(credential=SECRET)

    kept.remove_credential()
    kept.save()

    assert Provider.objects.get(credential="", credential_set_at=None) == kept


def test_no_dump_and_no_repr_holds_the_credential(field_keys) -> None:
    kept = make_provider(credential=SECRET)
    out = io.StringIO()
    call_command("dumpdata", "embeddings", stdout=out)

    for text in (serializers.serialize("json", [kept]), out.getvalue(), repr(kept)):
        assert kept.credential not in text
        assert SECRET not in text
    assert kept.name in out.getvalue()


def test_a_dump_is_loaded_without_its_credential(field_keys) -> None:
    kept = make_provider(credential=SECRET)
    text = serializers.serialize("json", [kept])
    kept.delete()

    for one in serializers.deserialize("json", text):
        one.save()

    found = Provider.objects.get()
    assert (found.name, found.has_credential, found.credential_set_at) == (
        kept.name,
        False,
        None,
    )


def test_a_new_credential_ends_trouble(field_keys) -> None:
    kept = make_provider(trouble="HTTP 401", trouble_at=timezone.now())
    assert list(Provider.objects.in_trouble()) == [kept]

    kept.set_credential(SECRET)
    kept.save()

    assert not Provider.objects.in_trouble().exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"kind": ""},
        {"name": "TAKEN"},
        {"url": "ftp://a.com"},
        {"url": "https://user@a.com"},
        {"url": "https://a.com?x"},
        {"timeout_s": 0},
        {"timeout_s": 601},
        {"attempts": 0},
        {"attempts": 11},
        {"concurrency": 0},
        {"credential": "x"},
        {"credential_set_at": timezone.now()},
        {"trouble": "x"},
        {"trouble_at": timezone.now()},
    ],
    ids=lambda fields: "-".join(
        f"{k}={v if k[-3:] != '_at' else ''}" for k, v in fields.items()
    ),
)
def test_the_table_refuses(fields) -> None:
    make_provider("taken")

    with pytest.raises(IntegrityError), transaction.atomic():
        Provider.objects.create(**{"name": "new", "kind": "openai", **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "unheard-of"}, "kind"),
        ({"kind": "azure"}, "url"),
        ({"url": "http://a.com"}, "url"),
        ({"allowed_hosts": ["a/b"]}, "allowed_hosts"),
        ({"options": {"a": 1}}, "options"),
        ({"name": " "}, "__all__"),
    ],
    ids=["kind", "azure", "http", "hosts", "options", "name"],
)
def test_cleaning_names_the_field(fields, field) -> None:
    with pytest.raises(ValidationError) as caught:
        make_provider(**{"name": "new", **fields})

    assert field in caught.value.message_dict


def test_installed_backends_are_kinds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("voyage", "somewhere:Backend", backends.GROUP)
    monkeypatch.setattr(backends, "_entry_points", lambda: (entry,))

    names = [name for name, _ in provider_kinds()]
    assert names == ["azure", "cohere", "google", "openai", "voyage"]
    assert make_provider(kind="voyage").pk


def test_a_provider_with_models_stays() -> None:
    model = make_remote_model()

    with pytest.raises(ProtectedError):
        model.provider.delete()


@pytest.mark.parametrize(
    "fields",
    [
        {"source": ""},
        {"fingerprint": "f" * 64},
        {"manifest": {"a": "b"}},
        {"route": "query"},
        {"output": "sparse"},
        {"output": "both"},
        {"context_tokens": 512},
    ],
    ids=lambda fields: next(iter(fields)) + str(fields.get("output", "")),
)
def test_a_providers_model_has_no_files(fields) -> None:
    made = make_provider()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_remote_model(provider=made, **fields)
    assert make_model(**fields | {"source": "org/name"}).provider is None


def test_a_row_written_by_older_code_is_a_model_of_our_own() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO embeddings_embeddingmodel (name, source, family, output, "
            "dimensions, matryoshka_sizes, max_tokens, prompts, instruction_template, "
            "include_prompt, over_length, precision, fingerprint, owner, is_enabled, "
            "created_at) VALUES ('old', 'org/old', 'encoder', 'dense', 8, '{}', 8, "
            "'{}', '', true, '', 'float32', '', 'library', true, now())"
        )

    assert EmbeddingModel.objects.get().provider is None


def fired() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return Revision.objects.current()


def test_changes_reach_every_process_and_trouble_none() -> None:
    kept = make_provider()
    before = fired()

    Provider.objects.update(trouble="HTTP 401", trouble_at=timezone.now())
    assert fired() == before

    kept.is_enabled = False
    kept.save()
    assert fired() > before
