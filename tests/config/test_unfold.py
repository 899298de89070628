"""The admin's name, sidebar and files."""

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import resolve, reverse

from config.unfold import UNFOLD
from tests.operators import SignIn

PAGES = [page for group in UNFOLD["SIDEBAR"]["navigation"] for page in group["items"]]


def test_the_login_bears_the_platforms_name(db, client: Client, plain_static_files):
    page = client.get(reverse("admin:login"))

    assert b"Embedding platform" in page.content
    assert b"Django" not in page.content


@pytest.mark.parametrize("page", PAGES, ids=[page["title"] for page in PAGES])
def test_every_page_of_the_sidebar_exists(root: Client, page):
    assert root.get(str(page["link"])).status_code == 200


def test_every_list_is_in_the_sidebar():
    listed = {resolve(str(page["link"])).url_name for page in PAGES}

    assert {
        f"{model._meta.app_label}_{model._meta.model_name}_changelist"
        for model in admin.site._registry
    } <= listed


def test_the_sidebar_shows_what_the_visitor_may_view(staff: SignIn):
    page = staff("accounts.view_tenant").get(reverse("admin:index"))

    shown = [
        item["title"]
        for group in page.context["sidebar_navigation"]
        for item in group["items"]
        if item["has_permission"]
    ]
    assert shown == ["Home", "Tenants"]


@pytest.mark.parametrize("name", ["config/admin.css", "config/favicon.svg"])
def test_its_files_are_found(name):
    assert finders.find(name)
