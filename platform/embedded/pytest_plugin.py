"""A throw-away PostgreSQL for every test run, there before the settings are read.

A `DATABASE_URL` from outside wins; `TEST_POSTGRES` chooses the major version. xdist's
workers inherit the run's server through the environment.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from embedded.postgres import Cluster
from embedded.wheel import DEFAULT_MAJOR

DATABASE = "platform"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Prepare the environment that settings read."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    # The system's own folder for them may be too deep for a socket's path.
    folder = Path(tempfile.mkdtemp(prefix="platform-tests-", dir="/tmp"))
    early_config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    # The server's account passes through, and sees nothing.
    folder.chmod(0o711)
    # The server of static files warns of a missing folder, and warnings are errors.
    (folder / "static").mkdir()
    os.environ["DATA_DIR"] = str(folder)
    os.environ["SECRET_KEY"] = "only-for-tests-" + "0123456789abcdef" * 4
    if "DATABASE_URL" in os.environ:
        return
    cluster = Cluster(
        home=folder / "postgres",
        major=int(os.environ.get("TEST_POSTGRES", DEFAULT_MAJOR)),
        is_throw_away=True,
    )
    early_config.add_cleanup(cluster.stop)
    cluster.start()
    cluster.create_database(DATABASE)
    os.environ["DATABASE_URL"] = cluster.url(DATABASE)
