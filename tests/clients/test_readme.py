"""The README's lines for each client, run as they stand there."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.clients import reference

pytestmark = pytest.mark.clients

README = Path(__file__).resolve().parents[2] / "README.md"
HEAD = "| client | lines |\n|---|---|\n"
TEXT = "hello"
#: Runs all lines but the last, and prints what the last one is worth.
RUN = """
import json, os, sys
*before, last = sys.stdin.read().splitlines()
names = {"KEY": os.environ["KEY"]}
exec("\\n".join(before), names)
found = eval(last, names)
print(json.dumps({"sparse": list(found.indices)} if hasattr(found, "indices")
      else {"dense": [float(number) for number in found]}))
"""


@dataclass(frozen=True)
class Row:
    client: str
    lines: tuple[str, ...]


def _rows() -> list[Row]:
    table = README.read_text("utf-8").partition(HEAD)[2].partition("\n\n")[0]
    return [
        Row(client, tuple(re.findall(r"`([^`]+)`", lines)))
        for client, lines in re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)
    ]


ROWS = _rows()


def _run(row: Row, server) -> str:
    """What the row's lines print, with this server's address and key."""
    lines = [line.replace("http://localhost:8000", server.url) for line in row.lines]
    # Off is for the hub; the one client that heeds it calls this machine here.
    environment = {**os.environ, "KEY": server.key, "HF_HUB_OFFLINE": "0"}
    while lines[0].startswith("export "):
        for pair in lines.pop(0).removeprefix("export ").split():
            name, _, value = pair.partition("=")
            environment[name] = value.replace("$KEY", server.key)
    is_python = not lines[0].startswith("curl ")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN]
        if is_python
        else ["bash", "-c", "\n".join(lines)],
        input="\n".join(lines),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_client_has_up_to_three_lines() -> None:
    clients = [row.client for row in ROWS]

    for name in ("ollama", "openai", "cohere", "google-genai", "chromadb", "curl"):
        assert name in str(clients)
    assert len(clients) == len(set(clients))
    assert all(1 <= len(row.lines) <= 3 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.client.replace("`", ""))
def test_the_lines_work_as_they_stand(row: Row, server) -> None:
    answer = json.loads(_run(row, server))

    if "sparse" in answer:
        assert "Splade" in row.client
        assert answer["sparse"]
    elif "data" in answer:
        reference.assert_same([answer["data"][0]["embedding"]], [TEXT])
    else:
        assert np.isfinite(answer["dense"]).all()
        reference.assert_same([answer["dense"]], [TEXT])
