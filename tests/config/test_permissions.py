import pytest
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from config.permissions import DenyAll


class Forgetful(APIView):
    """A view whose author named no permission."""

    def get(self, request: object) -> Response:  # noqa: ARG002 -- REST framework's
        return Response({"leaked": True})


@pytest.mark.parametrize("method", ["get", "post", "options"])
def test_view_without_a_permission_of_its_own_refuses(method: str) -> None:
    request = getattr(RequestFactory(), method)("/")

    response = Forgetful.as_view()(request)

    assert response.status_code in (401, 403)
    assert "leaked" not in str(response.data)


def test_denial_is_the_default() -> None:
    assert APIView.permission_classes == [DenyAll]
