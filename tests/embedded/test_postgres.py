import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from embedded.postgres import Cluster
from embedded.wheel import EmbeddedPostgresError

OWNER = """
import sys
from pathlib import Path
from embedded.postgres import Cluster
cluster = Cluster(home=Path(sys.argv[1]), is_throw_away=True)
cluster.start()
print((cluster.data / "postmaster.pid").read_text().split()[0], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the server's account may enter, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(place: Path) -> Path:
    """One cluster, whose files the tests hand on to each other."""
    return place / "cluster"


def cluster_in(home: Path, **options: int) -> Cluster:
    return Cluster(home=home, is_throw_away=True, **options)


def ask(cluster: Cluster, statement: str) -> object:
    with psycopg.connect(cluster.url("postgres")) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def owner_of(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A process that runs a cluster, and the server's process id."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def test_server_starts_answers_and_stops(home: Path) -> None:
    cluster = cluster_in(home)

    cluster.start()

    assert ask(cluster, "SHOW server_version").startswith("18.")
    assert ask(cluster, "SHOW listen_addresses") == ""
    assert (home / "run").stat().st_mode & 0o777 == 0o700
    cluster.stop()
    assert not cluster.is_running
    assert not (cluster.data / "postmaster.pid").exists()


def test_data_survive_a_restart(home: Path) -> None:
    cluster = cluster_in(home)
    cluster.start()
    cluster.create_database("kept")
    cluster.stop()

    cluster.start()
    cluster.create_database("kept")

    assert ask(cluster, "SELECT count(*) FROM pg_database WHERE datname = 'kept'") == 1
    cluster.stop()


def test_databases_sort_and_fold_case_as_unicode(home: Path) -> None:
    cluster = cluster_in(home)
    cluster.start()

    assert ask(cluster, "SELECT lower('ÄÖ')") == "äö"
    cluster.stop()


def test_product_commits_are_durable(home: Path) -> None:
    cluster = Cluster(home=home)
    cluster.start()

    assert ask(cluster, "SHOW fsync") == "on"
    assert ask(cluster, "SHOW synchronous_commit") == "on"
    cluster.stop()


def test_owner_is_the_only_one(home: Path) -> None:
    owner, _ = owner_of(home)

    with pytest.raises(EmbeddedPostgresError, match=f"process {owner.pid}"):
        cluster_in(home).start()

    owner.communicate()


def test_server_dies_with_its_killed_owner_and_starts_again(home: Path) -> None:
    owner, _ = owner_of(home)
    owner.kill()
    owner.communicate()
    cluster = cluster_in(home)

    cluster.start()

    assert ask(cluster, "SELECT 1") == 1
    cluster.stop()


def test_surviving_server_is_replaced(home: Path) -> None:
    owner, pid = owner_of(home)
    # Stopped, so that it cannot follow its owner's death before we come.
    os.kill(pid, signal.SIGSTOP)
    owner.kill()
    owner.communicate()
    cluster = cluster_in(home)
    os.kill(pid, signal.SIGCONT)

    cluster.start()

    assert ask(cluster, "SELECT 1") == 1
    cluster.stop()


def test_killed_server_is_noticed_and_recovers(home: Path) -> None:
    cluster = cluster_in(home)
    cluster.start()
    pid = int((cluster.data / "postmaster.pid").read_text().split()[0])

    os.kill(pid, signal.SIGKILL)

    assert cluster.wait() == -signal.SIGKILL
    assert not cluster.is_running
    cluster.stop()
    cluster.start()
    assert ask(cluster, "SELECT 1") == 1
    cluster.stop()


def test_process_id_of_another_program_is_left_alone(home: Path) -> None:
    cluster = cluster_in(home)
    cluster.start()
    cluster.stop()
    bystander = subprocess.Popen(["sleep", "60"])
    names = f"{bystander.pid}\n{cluster.data}\n"
    (cluster.data / "postmaster.pid").write_text(names)
    (home / "run" / ".s.PGSQL.5432.lock").write_text(names)

    cluster.start()

    assert bystander.poll() is None
    cluster.stop()
    bystander.kill()
    bystander.wait()


def test_half_made_data_folder_is_made_anew(place: Path) -> None:
    home = place / "half"
    (home / "data.new").mkdir(parents=True)
    (home / "data.new" / "PG_VERSION").write_text("18")
    cluster = cluster_in(home)

    cluster.start()

    assert ask(cluster, "SELECT 1") == 1
    cluster.stop()


def test_another_major_version_is_refused_with_a_way_out(home: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="pg_dumpall"):
        cluster_in(home, major=16).start()

    cluster = cluster_in(home)
    cluster.start()
    cluster.stop()


def test_long_path_is_refused_by_length(place: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="bytes too long: set DATA_DIR"):
        cluster_in(place / ("x" * 100)).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_folder_closed_to_the_servers_account_is_named(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(EmbeddedPostgresError, match=f"may not enter {closed}"):
        cluster_in(closed / "cluster").start()


def test_server_that_cannot_start_says_why(home: Path) -> None:
    cluster = cluster_in(home)
    configuration = cluster.data / "postgresql.conf"
    sound = configuration.read_bytes()
    configuration.write_bytes(sound + b"\nwork_mem = plenty\n")

    with pytest.raises(EmbeddedPostgresError, match="work_mem"):
        cluster.start()

    configuration.write_bytes(sound)
    assert not cluster.is_running
