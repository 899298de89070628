"""Operators and their groups; only superusers hand out rights."""

from typing import Any

from auditlog.registry import auditlog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import BAD, GOOD, NOTE, PLAIN, badge, moment, number
from accounts.models import User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def hidden(_: str) -> str:
    """What the audit log keeps of a password."""
    return "********"


@admin.register(User)
class UserAdmin(DjangoUserAdmin, PlatformAdmin):  # type: ignore[type-arg]
    """The people who sign in here."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "email", "role", "state", "last_seen")
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("is_superuser", BooleanRadioFilter),
    )
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = "User name, name or e-mail"
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        (
            "Rights",
            {
                "fields": (
                    "is_active",
                    "is_staff",
                    "is_superuser",
                    "groups",
                    "user_permissions",
                )
            },
        ),
        ("History", {"fields": (("last_login", "date_joined"),)}),
    )

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        """Rights are read-only to all but superusers: nobody raises themselves."""
        fields = self.readonly_fields
        return fields if request.user.is_superuser else (*fields, *RIGHTS)

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """As granted, but a superuser is changed by superusers alone."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and self._is_peer(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        """As granted, but a superuser is deleted by superusers, and nobody by self."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and self._is_peer(request, obj) and obj != request.user

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None: deleting many at once would pass the checks on each."""
        return {}

    @staticmethod
    def _is_peer(request: HttpRequest, user: User | None) -> bool:
        """Whether the visitor stands no lower than the user."""
        return bool(user is None or not user.is_superuser or request.user.is_superuser)

    @admin.display(description="Name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name()

    @admin.display(description="Role", ordering="is_superuser")
    def role(self, user: User) -> str:
        """How far the user gets in."""
        if user.is_superuser:
            return badge("Superuser", NOTE)
        return badge("Staff" if user.is_staff else "No access", PLAIN)

    @admin.display(description="State", ordering="is_active")
    def state(self, user: User) -> str:
        """Whether the user may sign in."""
        return badge("Active", GOOD) if user.is_active else badge("Disabled", BAD)

    @admin.display(description="Last sign-in (UTC)", ordering="last_login")
    def last_seen(self, user: User) -> str:
        """When the user last signed in."""
        return moment(user.last_login)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, PlatformAdmin):
    """Sets of permissions; changing one changes what its users may do."""

    list_display = ("name", "permission_count", "user_count")
    search_help_text = "Name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Groups with their counts, in one query."""
        groups: QuerySet[Group] = super().get_queryset(request)
        return groups.annotate(
            permissions_held=Count("permissions", distinct=True),
            members=Count("user", distinct=True),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers alone hand out rights."""
        return bool(request.user.is_superuser)

    def has_change_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        """Superusers alone hand out rights."""
        return bool(request.user.is_superuser)

    def has_delete_permission(
        self, request: HttpRequest, obj: Group | None = None
    ) -> bool:
        """Superusers alone take rights away."""
        return bool(request.user.is_superuser)

    @admin.display(description="Permissions", ordering="permissions_held")
    def permission_count(self, group: Any) -> str:
        """How many permissions it gives."""
        return number(group.permissions_held)

    @admin.display(description="Users", ordering="members")
    def user_count(self, group: Any) -> str:
        """How many users are in it."""
        return number(group.members)


auditlog.register(
    User,
    exclude_fields=["last_login"],
    mask_fields=["password"],
    mask_callable="accounts.admin.people.hidden",
    m2m_fields={"groups", "user_permissions"},
)
auditlog.register(Group, m2m_fields={"permissions"})
