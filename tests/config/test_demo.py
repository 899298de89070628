from pathlib import Path

import pytest

from accounts.models import ApiKey, Tenant, User
from accounts.secrets import digest_of, is_well_formed
from config import demo
from embeddings.catalog import shipped
from embeddings.models import ModelGrant

pytestmark = pytest.mark.django_db


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "demo-key"


def active_digests() -> list[bytes]:
    return [bytes(key.digest) for key in ApiKey.objects.active()]


def test_tenant_gets_a_key_in_a_file_of_its_own(key_file: Path) -> None:
    demo.ensure_tenant(key_file)

    secret = key_file.read_text().strip()
    assert is_well_formed(secret)
    assert active_digests() == [digest_of(secret)]
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_key_stays_as_long_as_it_works(key_file: Path) -> None:
    demo.ensure_tenant(key_file)
    first = key_file.read_text()

    demo.ensure_tenant(key_file)

    assert key_file.read_text() == first
    assert Tenant.objects.count() == 1


@pytest.mark.parametrize("loss", ["deleted", "foreign", "revoked"])
def test_lost_key_is_replaced_and_revoked(key_file: Path, loss: str) -> None:
    demo.ensure_tenant(key_file)
    first = key_file.read_text()
    if loss == "deleted":
        key_file.unlink()
    elif loss == "foreign":
        key_file.write_text("emb_live_of_another_database")
    else:
        ApiKey.objects.revoke()

    demo.ensure_tenant(key_file)

    second = key_file.read_text().strip()
    assert second != first.strip()
    assert active_digests() == [digest_of(second)]


def test_every_shipped_model_is_granted_with_a_default(key_file: Path) -> None:
    shipped.seed()

    demo.ensure_tenant(key_file)

    assert ModelGrant.objects.filter(is_default=True).count() == 1


def test_administrator_is_made_once() -> None:
    password = demo.ensure_admin()

    assert password is not None
    assert User.objects.get().check_password(password)
    assert demo.ensure_admin() is None
