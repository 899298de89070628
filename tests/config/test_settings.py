import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this test run in its environment."""
    unset = {"DATABASE_URL", "SECRET_KEY", "DATA_DIR"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_without_a_platform_says_what_to_do(tmp_path: Path) -> None:
    done = manage("usage_report", DATA_DIR=str(tmp_path), SECRET_KEY="x" * 60)

    assert done.returncode != 0
    assert "There is no database" in done.stderr
    assert "`make run`" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_nonsense_is_reported_at_once(tmp_path: Path) -> None:
    done = manage("check", DATA_DIR=str(tmp_path), PORT="high", WEB_THREADS="many")

    assert done.returncode != 0
    assert "PORT" in done.stderr
    assert "WEB_THREADS" in done.stderr


def test_production_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789-abcdefghijklmnopqrstuvwxyz-and-some-more")

    done = manage(
        "check",
        "--deploy",
        "--fail-level=WARNING",
        DATA_DIR=str(tmp_path),
        SECRET_KEY_FILE=str(tmp_path / "key"),
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        BEHIND_TLS="1",
        WEB_BIND="0.0.0.0:8000",
        ALLOWED_HOSTS="api.example.com",
    )

    assert done.returncode == 0, done.stderr
