"""The house's own rules: its layout, its tests, its README."""

import platform
import re
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from embeddings.catalog.shipped_models import SHIPPED, ShippedModel
from embeddings.dialects import all_dialects
from embeddings.engine.backends import own_backends
from embeddings.engine.families import all_families
from embeddings.engine.families.base import Family

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("accounts", "embeddings", "platform/config", "platform/embedded")
TOP_LEVEL = {
    "manage.py",
    "pyproject.toml",
    "README.md",
    "platform",
    "embeddings",
    "accounts",
    "templates",
    "tests",
    "docker-compose.yml",
    "Makefile",
    "constraints.txt",
}
#: Files that run nothing of their own: declarations that other tests execute.
UNTESTED = {"__init__.py", "apps.py", "wsgi.py"}
LONGEST_FILE = 300

README = (ROOT / "README.md").read_text("utf-8")


def _modules() -> list[Path]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(
        path.relative_to(ROOT)
        for path in found
        if "migrations" not in path.parts and path.name not in UNTESTED
    )


def _own_commands() -> list[str]:
    own = {"accounts", "embeddings", "config"}
    labels = {config.name: config for config in apps.get_app_configs()}
    return sorted(
        name for name, app in get_commands().items() if app in own and app in labels
    )


def _variables() -> list[str]:
    settings = (ROOT / "platform/config/settings.py").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    names = re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', settings)
    return sorted({*names, *re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE)})


def test_platform_is_no_package() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert Path(platform.__file__).parent != ROOT / "platform"
    assert platform.python_version()


def test_top_level_holds_what_was_agreed() -> None:
    tracked = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and path.name != "var"
    }

    assert tracked == TOP_LEVEL


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_every_module_has_its_test(module: Path) -> None:
    parts = [part for part in module.parts if part != "platform"]
    folder = ROOT.joinpath("tests", *parts[:-1])
    names = {f"test_{module.name}", f"test_{module.stem}"}
    found = {path.name for path in folder.glob("test_*.py")}

    assert names & found, f"{folder.relative_to(ROOT)}/test_{module.name} is missing"


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_files_stay_short_and_say_what_they_are(module: Path) -> None:
    text = (ROOT / module).read_text("utf-8")

    assert len(text.splitlines()) <= LONGEST_FILE
    assert text.startswith(('"""', "#!"))


@pytest.mark.parametrize("dialect", all_dialects(), ids=lambda one: one.name)
def test_readme_names_every_wire(dialect) -> None:
    assert dialect.title in README
    for route in dialect.routes:
        assert f"{route.method} /{route.path}" in README


@pytest.mark.parametrize("name", _own_commands())
def test_readme_names_every_command(name: str) -> None:
    assert f"manage.py {name}" in README


@pytest.mark.parametrize("name", _variables())
def test_readme_names_every_setting(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("family", all_families(), ids=lambda family: family.name)
def test_readme_names_every_family(family: Family) -> None:
    assert f"| `{family.name}` |" in README


@pytest.mark.parametrize("backend", own_backends(), ids=lambda kind: kind.name)
def test_readme_names_every_backend(backend) -> None:
    assert f"| `{backend.name}` |" in README
    assert f"[{backend.extra}]" in README


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_readme_names_every_shipped_model(shipped: ShippedModel) -> None:
    named = re.findall(r"`([^`\s]+)`", README)

    assert any(
        fnmatch(shipped.name, name) for name in named if "-" in name or "/" in name
    )


def test_readme_quotes_the_key_pattern() -> None:
    pattern = import_module("accounts.secrets").SECRET_PATTERN.pattern

    assert pattern in README
