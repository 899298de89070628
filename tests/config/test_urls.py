import pytest
from django.test import Client

SCRIPT_HEADERS = {"Accept": "text/html"}


def test_docs_load_nothing_from_elsewhere(
    client: Client, plain_static_files: None
) -> None:
    answer = client.get("/docs", headers=SCRIPT_HEADERS)
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "swagger-ui-bundle.js" in page
    assert "//" not in page.replace("http://testserver", "")
    assert "<script>" not in page
    assert "script-src 'self';" in answer["Content-Security-Policy"]


def test_docs_show_the_wires_own_document(
    client: Client, plain_static_files: None
) -> None:
    script = client.get("/docs?script=", headers=SCRIPT_HEADERS).content.decode()

    assert "/openapi.json" in script
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")


@pytest.mark.django_db
def test_admin_pages_carry_security_headers(
    client: Client, plain_static_files: None
) -> None:
    answer = client.get("/admin/login/")

    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
