"""create_tenant."""

import pytest

from accounts.models import Tenant

pytestmark = pytest.mark.django_db


def test_it_creates_a_tenant(run):
    ended = run("create_tenant", "acme", "--name", "Acme Inc.", "--json")

    tenant = Tenant.objects.get()
    assert (tenant.slug, tenant.name, tenant.is_active) == ("acme", "Acme Inc.", True)
    assert ended.value == {"id": tenant.pk, "slug": "acme", "name": "Acme Inc."}


def test_the_name_is_the_slug_unless_given(run):
    ended = run("create_tenant", "acme")

    assert (ended.code, ended.out) == (0, "Created tenant acme.\n")
    assert Tenant.objects.get().name == "acme"


@pytest.mark.parametrize("slug", ["acme", "ACME"])
def test_a_taken_slug_is_one_sentence(run, slug):
    run("create_tenant", "acme")

    ended = run("create_tenant", slug)

    assert (ended.code, ended.err) == (1, "A tenant with this slug exists.\n")
    assert Tenant.objects.count() == 1


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "x" * 64, "é"], ids=repr)
def test_a_malformed_slug_is_refused(run, slug):
    ended = run("create_tenant", slug)

    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert not Tenant.objects.exists()
