"""What ``make`` says while it works."""

import os
import shutil
import subprocess
from pathlib import Path

from invites.core.settings import PROJECT_ROOT

PACKAGES = (PROJECT_ROOT / "requirements.txt").read_text().count("==")

PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit
echo "venv runs"
mkdir -p .venv/bin
printf '#!/bin/sh\\necho "pip runs"\\n' > .venv/bin/pip
printf '#!/bin/sh\\necho "flask runs"\\n' > .venv/bin/flask
chmod +x .venv/bin/*
"""


def test_on_a_fresh_machine_make_run_says_what_it_does_before_each_step(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(PROJECT_ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    command = ["make", "--no-print-directory", "run", f"PYTHON={python}"]
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, check=True, text=True, capture_output=True
    )
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "Creating a virtual environment in .venv",
        "venv runs",
        f"Downloading and installing {PACKAGES} packages",
        "pip runs",
        "Preparing the database and starting Invites",
        "flask runs",
        "flask runs",
    ]
