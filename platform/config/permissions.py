"""Default-deny for every API view that names no permission of its own."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    # rest_framework.views imports this module while it is itself being imported.
    from rest_framework.views import APIView


class DenyAll(BasePermission):
    """Refuses; a view must say who may call it."""

    def has_permission(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002
        """Never."""
        return False
