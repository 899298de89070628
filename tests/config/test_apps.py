"""What setting the project up costs every command."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = """
import sys
import django
django.setup()
print(*sorted({"openvino", "torch", "transformers"} & sys.modules.keys()))
"""


def test_commands_that_embed_nothing_wait_for_no_engine() -> None:
    paths = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])

    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "\n"
