"""Operators, their groups, and who may hand out rights."""

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.admin.people import hidden
from accounts.models import User
from tests.operators import SignIn

LIST = reverse("admin:accounts_user_changelist")
MAY_EDIT_USERS = ("accounts.view_user", "accounts.change_user", "accounts.delete_user")


def change_url(user: User, page: str = "change") -> str:
    return reverse(f"admin:accounts_user_{page}", args=[user.pk])


def password_url(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


def test_nobody_raises_themselves(staff: SignIn):
    clerk = staff(*MAY_EDIT_USERS)
    me = User.objects.get(username="clerk")
    everything = [permission.pk for permission in Permission.objects.all()]

    clerk.post(
        change_url(me),
        {
            "username": "renamed",
            "is_active": "on",
            "is_superuser": "on",
            "user_permissions": everything,
        },
    )

    me.refresh_from_db()
    assert me.username == "renamed"
    assert not me.is_superuser
    assert me.user_permissions.count() == len(MAY_EDIT_USERS)


@pytest.mark.parametrize("url_of", [change_url, password_url], ids=["page", "password"])
def test_a_superuser_is_changed_by_superusers_alone(staff: SignIn, superuser, url_of):
    clerk = staff(*MAY_EDIT_USERS)
    taken_over = {"username": "mine", "password1": "mine is long", "password2": "x"}

    assert clerk.post(url_of(superuser), taken_over).status_code == 403


def test_a_superuser_is_deleted_by_superusers_alone(staff: SignIn, superuser):
    page = staff(*MAY_EDIT_USERS).post(change_url(superuser, "delete"), {"post": "yes"})

    assert page.status_code == 403


def test_nobody_deletes_themselves(root: Client, superuser):
    assert root.get(change_url(superuser, "delete")).status_code == 403


def test_many_cannot_be_deleted_at_once(root: Client, superuser):
    chosen = {"action": "delete_selected", "_selected_action": [superuser.pk]}

    root.post(LIST, chosen | {"post": "yes"})

    assert User.objects.filter(pk=superuser.pk).exists()


def test_groups_are_the_superusers_business(staff: SignIn):
    clerk = staff("auth.view_group", "auth.change_group", "auth.add_group")
    group = Group.objects.create(name="auditors")

    page = clerk.post(
        reverse("admin:auth_group_change", args=[group.pk]), {"name": "owners"}
    )

    assert page.status_code == 403
    assert clerk.get(reverse("admin:auth_group_add")).status_code == 403


def test_the_group_list_counts(root: Client, superuser):
    group = Group.objects.create(name="auditors")
    group.permissions.set(Permission.objects.all()[:3])
    superuser.groups.add(group)

    page = root.get(reverse("admin:auth_group_changelist"))

    [row] = page.context["cl"].result_list
    assert (row.permissions_held, row.members) == (3, 1)


@pytest.mark.parametrize("name", ["accounts_user", "auth_group"])
def test_the_lists_cost_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries, name
):
    for number in range(20):
        User.objects.create(username=f"user-{number}")
        Group.objects.create(name=f"group-{number}")

    with django_assert_num_queries(5):
        root.get(reverse(f"admin:{name}_changelist"))


def test_a_password_is_hidden_from_the_audit_log(root: Client, superuser):
    before = superuser.password
    root.post(
        password_url(superuser),
        {"password1": "another long one", "password2": "another long one"},
    )

    superuser.refresh_from_db()
    assert superuser.password != before
    entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE).latest("id")
    assert entry.changes["password"] == ["********", "********"]
    assert hidden(superuser.password) == "********"


def test_a_new_operator_can_be_made(root: Client):
    entered = {"username": "ada", "password1": "quite a long one"}
    entered |= {"password2": "quite a long one", "usable_password": "true"}

    root.post(reverse("admin:accounts_user_add"), entered)

    assert User.objects.get(username="ada").check_password("quite a long one")
