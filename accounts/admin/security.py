"""Who changed what, who signed in, and who failed to."""

import axes.admin  # noqa: F401 -- registers its models first, in Django's look
from auditlog.admin import LogEntryAdmin as AuditLogEntryAdmin
from auditlog.models import LogEntry
from axes.conf import settings as axes_settings
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.base import LogAdmin, PlatformAdmin
from accounts.admin.columns import BAD, GOOD, NOTE, PLAIN, STALE, badge, moment

for _model in (LogEntry, AccessAttempt, AccessFailureLog, AccessLog):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

ACTION_COLOURS = {
    LogEntry.Action.CREATE: GOOD,
    LogEntry.Action.UPDATE: NOTE,
    LogEntry.Action.DELETE: BAD,
}


@admin.register(LogEntry)
class AuditLogAdmin(LogAdmin, AuditLogEntryAdmin):
    """Every change of tenants, keys, models, grants and operators."""

    list_title = "Audit log"
    list_display = ("when", "who", "what", "which", "msg_short", "remote_addr")
    list_display_links = ("when",)
    list_filter = (("action", ChoicesDropdownFilter),)
    list_select_related = ("content_type", "actor")
    date_hierarchy = None
    search_fields = ("object_repr", "actor__username", "remote_addr")
    search_help_text = "Object, operator or address"
    sortable_by = ()
    fieldsets = (
        (None, {"fields": (("when", "who", "remote_addr"), ("what", "which"))}),
        ("Changes", {"fields": ("msg",)}),
    )
    readonly_fields = ("when", "who", "what", "which", "msg")

    @admin.display(description="Time (UTC)")
    def when(self, entry: LogEntry) -> str:
        """When it happened."""
        return moment(entry.timestamp)

    @admin.display(description="Who")
    def who(self, entry: LogEntry) -> str:
        """The operator, or the system for what commands did."""
        return str(entry.actor or "system")

    @admin.display(description="What")
    def what(self, entry: LogEntry) -> str:
        """The action and the kind of thing."""
        action = f"{entry.get_action_display()} {entry.content_type.name}"
        return badge(action, ACTION_COLOURS.get(entry.action, PLAIN))

    @admin.display(description="Which")
    def which(self, entry: LogEntry) -> str:
        """The thing, as it was called then."""
        return str(entry.object_repr)


@admin.register(AccessAttempt)
class FailedSignInAdmin(PlatformAdmin):
    """Failures that count towards a lock-out; deleting one unlocks."""

    list_title = "Failed sign-ins"
    list_display = ("when", "username", "ip_address", "state", "user_agent")
    list_display_links = ("when",)
    search_fields = ("username", "ip_address")
    search_help_text = "User name or address"
    fieldsets = (
        (None, {"fields": (("when", "state"), ("username", "ip_address"))}),
        ("Request", {"fields": ("user_agent", "http_accept", "path_info")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: AccessAttempt | None = None
    ) -> bool:
        """Never; deleting an entry is how an operator unlocks a user."""
        return False

    @admin.display(description="Last failure (UTC)", ordering="attempt_time")
    def when(self, attempt: AccessAttempt) -> str:
        """When it last failed."""
        return moment(attempt.attempt_time)

    @admin.display(description="State")
    def state(self, attempt: AccessAttempt) -> str:
        """Whether it locks the user out, and how many failures it counts."""
        failures, limit = attempt.failures_since_start, axes_settings.AXES_FAILURE_LIMIT
        if failures >= limit:
            return badge(f"Locked out after {failures}", BAD)
        return badge(f"{failures} of {limit}", STALE)


@admin.register(AccessLog)
class SignInAdmin(LogAdmin):
    """Who signed in, when and from where."""

    list_title = "Sign-ins"
    list_display = ("when", "until", "username", "ip_address", "user_agent")
    list_display_links = ("when",)
    search_fields = ("username", "ip_address")
    search_help_text = "User name or address"
    sortable_by = ()
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": (("when", "until"), ("username", "ip_address"))}),
        ("Request", {"fields": ("user_agent", "http_accept", "path_info")}),
    )

    @admin.display(description="Signed in (UTC)")
    def when(self, entry: AccessLog) -> str:
        """When the session began."""
        return moment(entry.attempt_time)

    @admin.display(description="Signed out (UTC)")
    def until(self, entry: AccessLog) -> str:
        """When the session ended, where it was ended."""
        return moment(entry.logout_time, otherwise="-")
