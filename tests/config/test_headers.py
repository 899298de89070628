import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config.headers import ADMIN, STRICT, SecurityHeadersMiddleware


@pytest.mark.parametrize(
    ("path", "policy"), [("/docs", STRICT), ("/admin/login/", ADMIN)]
)
def test_pages_carry_a_policy(path: str, policy: str) -> None:
    middleware = SecurityHeadersMiddleware(lambda _: HttpResponse("<p>"))

    response = middleware(RequestFactory().get(path))

    assert response["Content-Security-Policy"] == policy
    assert "Permissions-Policy" in response


def test_only_the_admin_may_run_inline_scripts() -> None:
    assert "script-src 'self';" in STRICT
    assert "unsafe-eval" in ADMIN


def test_answers_of_the_wires_carry_none() -> None:
    answer = HttpResponse("{}", content_type="application/json")
    middleware = SecurityHeadersMiddleware(lambda _: answer)

    response = middleware(RequestFactory().get("/api/version"))

    assert "Content-Security-Policy" not in response
