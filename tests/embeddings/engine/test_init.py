"""The package's front: cheap to import, complete."""

import subprocess
import sys

import embeddings.engine


def test_importing_the_engine_imports_no_torch_and_no_django():
    code = (
        "import embeddings.engine, sys;"
        "print([name for name in ('torch', 'django') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    assert all(hasattr(embeddings.engine, name) for name in embeddings.engine.__all__)
