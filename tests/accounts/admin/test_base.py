"""Who gets in, to every page; and what the lists share."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import Tenant, UsageEvent
from tests.factories import make_tenant
from tests.operators import SignIn

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
NAMES = [model._meta.label for model in MODELS]
HOSTILE = '<script>x()</script>"><img src=x onerror=y()>{{7*7}}'


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def add_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("url_of", [list_url, add_url])
def test_strangers_are_led_to_the_login(db, client, model, url_of):
    url = url_of(model)

    response = client.get(url)

    assert response.status_code == 302
    assert response.url == f"{reverse('admin:login')}?next={url}"


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("url_of", [list_url, add_url])
def test_staff_without_permission_are_refused(staff: SignIn, model, url_of):
    assert staff().get(url_of(model)).status_code == 403


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_staff_see_the_lists_they_may_view(staff: SignIn, model):
    clerk = staff(f"{model._meta.app_label}.view_{model._meta.model_name}")

    assert clerk.get(list_url(model)).status_code == 200


def test_blank_filters_are_not_set(root: Client):
    make_tenant("acme")

    response = root.get(list_url(Tenant), {"is_active__exact": "", "q": ""})

    assert not response.context["cl"].has_active_filters
    assert [tenant.slug for tenant in response.context["cl"].result_list] == ["acme"]


def test_applying_a_filter_starts_at_the_first_page(root: Client):
    make_tenant("acme")

    response = root.get(list_url(Tenant), {"p": "1", "q": "ac"})

    form = response.content.decode().split('id="filter-form"')[1].split("</form>")[0]
    assert 'name="q"' in form
    assert 'name="p"' not in form


def test_a_switch_loses_its_is(root: Client):
    page = root.get(add_url(Tenant)).content.decode()

    assert "Is active" not in page
    assert "Active" in page


def test_names_are_text_never_markup(root: Client):
    tenant = make_tenant("acme", name=HOSTILE)
    change = reverse("admin:accounts_tenant_change", args=[tenant.pk])

    for page in (root.get(list_url(Tenant)), root.get(change)):
        assert b"<script>x()" not in page.content
        assert b"<img src=x" not in page.content
        assert b"{{7*7}}" in page.content


def test_read_only_pages_refuse_even_superusers(root: Client, add_events):
    [event] = add_events(1)
    change = reverse("admin:accounts_usageevent_change", args=[event.pk])
    delete = reverse("admin:accounts_usageevent_delete", args=[event.pk])

    assert root.post(change, {"tokens": 0}).status_code == 403
    assert root.post(delete, {"post": "yes"}).status_code == 403
    assert root.get(add_url(UsageEvent)).status_code == 403
    assert UsageEvent.objects.get().tokens == 5
