"""Where the author of a connector works: a virtual environment of its own, with the commands that a page types."""

import sys
import venv
from pathlib import Path

import pytest

from places import ROOT

MYPY_CACHE = {"MYPY_CACHE_DIR": str(ROOT / ".mypy_cache" / "of_tests")}
"""The environment of each mypy of the tests: what one has found out about core and its dependencies serves the next."""


@pytest.fixture
def author_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder of commands. It has what this environment has, and will have what is installed into it."""
    return made(tmp_path_factory.mktemp("environment"))


def made(folder: Path) -> Path:
    """An environment in that folder; where its commands are."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    above = [path for path in sys.path if path.endswith("site-packages")]
    (site / "above.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in above))
    python = folder / "bin" / "python"
    for module in ("pytest", "mypy"):
        _command(folder, module, f'exec {python} -m {module} "$@"')
    # `python -m ruff` would look for its program here, and find this command
    _command(folder, "ruff", f'exec {Path(sys.executable).parent / "ruff"} "$@"')
    _command(folder, "shipperone-erp", f'exec {python} -c "from shipperone_erp.cli import main; main()" "$@"')
    # without another download: what it needs to be built is here
    offline = "--no-index --no-build-isolation --disable-pip-version-check"
    _command(folder, "pip", f'exec {sys.executable} -m pip --python {python} "$@" {offline}')
    return folder / "bin"


def _command(folder: Path, name: str, line: str) -> None:
    file = folder / "bin" / name
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)
