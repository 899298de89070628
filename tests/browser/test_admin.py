"""The admin in a real browser: offline, without errors, and a secret seen once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, Route, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories import (
    grant,
    make_api_key,
    make_model,
    make_provider,
    make_remote_model,
    make_tenant,
)

CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "a long password"
HOSTILE = '<script>document.title="owned"</script><img src=x onerror="owned()">'

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}"),
]


class Watch:
    """What went wrong in a page, and what it asked of other machines."""

    def __init__(self, page: Page, home: str) -> None:
        self.troubles: list[str] = []
        self.home = home
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda line: self._heard(line.type, line.text))
        page.on("response", lambda answer: self._answered(answer.status, answer.url))
        page.route(re.compile(r"^https?:"), self._let_through)

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.troubles.append(text)

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.troubles.append(f"{status} {url}")

    def _let_through(self, route: Route, request: Request) -> None:
        if request.url.startswith(self.home):
            route.continue_()
        else:
            self.troubles.append(f"left the machine: {request.url}")
            route.abort()


@pytest.fixture
def root_user(
    plain_static_files: None, quick_passwords: None, transactional_db: None
) -> None:
    """Somebody to sign in as."""
    User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def page(root_user: None) -> Iterator[Page]:
    """A page of a browser that sees no other machine's certificate, font or script."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser.new_page(color_scheme="dark")
        browser.close()


def sign_in(page: Page, live_server: LiveServer) -> Watch:
    watch = Watch(page, live_server.url)
    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=username]", "root")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.get_by_text("Active tenants").wait_for()
    return watch


@pytest.fixture
def things(root_user: None) -> str:
    """One of each, with a hostile name; the address of the tenant's page."""
    tenant = make_tenant("acme", name=HOSTILE)
    make_api_key(tenant, name=HOSTILE)
    grant(tenant, make_model("all-minilm", aliases=("short",)))
    return f"/admin/accounts/tenant/{tenant.pk}/change/"


@pytest.fixture
def providers(root_user: None) -> list[str]:
    """A provider with a hostile name; its page, and the forms around it."""
    provider = make_provider(HOSTILE, trouble=HOSTILE, trouble_at=timezone.now())
    make_remote_model("theirs", provider=provider, source=HOSTILE)
    return [
        "/admin/embeddings/provider/add/",
        f"/admin/embeddings/provider/{provider.pk}/change/",
        f"/admin/embeddings/embeddingmodel/add/?provider={provider.pk}",
    ]


def test_every_page_stays_on_the_machine_and_has_no_errors(
    things: str, providers: list[str], live_server: LiveServer, page: Page
):
    watch = sign_in(page, live_server)
    links = [link.get_attribute("href") for link in page.locator("nav a").all()]
    lists = {link for link in links if link and link.startswith("/admin/")}

    for path in [*sorted(lists), things, "/admin/accounts/apikey/add/", *providers]:
        page.goto(live_server.url + path, wait_until="networkidle")

    assert len(lists) >= 10
    assert watch.troubles == []
    assert page.title() != "owned"


def test_a_new_keys_secret_is_seen_once(
    things: str, live_server: LiveServer, page: Page
):
    watch = sign_in(page, live_server)
    page.goto(live_server.url + things)
    page.get_by_role("link", name="Issue a key").click()
    page.fill("[name=name]", "from a browser")
    page.click("button[name=_save]")
    secret = page.input_value("#secret")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.click("#copy-secret")
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.reload()

    assert re.fullmatch("emb_live_[0-9A-Za-z]{38}", secret)
    assert copied == secret
    assert secret not in page.content()
    page.go_back()
    assert secret not in page.content()
    assert watch.troubles == []
