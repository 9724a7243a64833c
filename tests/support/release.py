"""Wheels and source distributions as they are published: built twice to the same bytes, checked, each installed alone.

python tests/support/release.py [PACKAGE …]        into dist/; without a package all of them. `nox -s release` runs it.

What it proves is what a release needs: an archive that anybody can build again to the byte, whose description a registry takes,
and that installs with what it declares, in the newest versions and in the lowest, and as a tool of `uv` and of `pipx`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from places import ROOT

DIST = ROOT / "dist"
PACKAGES = ("core", "connectors/generic_sql", "connectors/odoo", "connectors/tryton")
RESOLUTIONS = ("highest", "lowest-direct")


def run(*command: str | Path, **more: str) -> str:
    """What it prints; CalledProcessError, with that printed, if it fails."""
    print("+", *command, flush=True)
    env = {**os.environ, **more}
    done = subprocess.run(list(map(str, command)), cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        print(done.stdout)
        done.check_returncode()
    return done.stdout


def epoch(package: str) -> str:
    """The time of the newest commit that changed the package: the same wherever it is built."""
    return run("git", "log", "-1", "--format=%ct", "--", package).strip()


def built(package: str, into: Path) -> dict[str, str]:
    """The archives of the package by name, with a digest of each."""
    run("uv", "build", "--quiet", "--out-dir", into, package, SOURCE_DATE_EPOCH=epoch(package))
    name = project(package)["name"].replace("-", "_")
    found = [*into.glob(f"{name}-[0-9]*.whl"), *into.glob(f"{name}-[0-9]*.tar.gz")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def project(package: str) -> dict[str, str]:
    """The package's own metadata, as its pyproject says it."""
    found: dict[str, str] = tomllib.loads((ROOT / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def reproducible(package: str) -> list[Path]:
    """Build it twice, in two folders; the archives, in dist/. SystemExit if a byte differs."""
    with tempfile.TemporaryDirectory() as first:
        one, two = built(package, Path(first)), built(package, DIST)
    if one != two or len(two) != 2:
        sys.exit(f"{package}: two builds differ: {one} {two}")
    return [DIST / name for name in two]


def alone(package: str) -> Iterator[str]:
    """Install the wheel in an empty environment with the newest and with the lowest dependencies, and use it."""
    name = project(package)["name"]
    for resolution in RESOLUTIONS:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "venv"
            run("uv", "venv", "--quiet", "--python", sys.executable, place)
            python = place / "bin" / "python"
            run("uv", "pip", "install", "--quiet", "--python", python, "--resolution", resolution,
                "--find-links", DIST, "--refresh-package", name, f"{name}=={project(package)['version']}")  # fmt: skip
            run(python, "-c", f"import {name.replace('-', '_')}")
            yield f"{resolution}: {used(place / 'bin' / 'shipperone-erp', name)}"


def used(command: Path, name: str) -> str:
    """The command of that environment answers, and knows the connector if the package is one."""
    version = run(command, "--version").strip()
    if name != "shipperone-erp":
        listed = run(command, "connectors", "list")
        connector = name.removeprefix("shipperone-erp-").replace("-", "_")
        if not re.search(rf"^{connector} .* ok$", listed, re.MULTILINE):
            sys.exit(f"{name}: {listed}")
    return version


def as_tools() -> Iterator[str]:
    """`uv tool install` and `pipx install` with a connector beside it, as docs/how-to/install.md writes it."""
    wheel = next(DIST.glob("shipperone_erp-[0-9]*.whl"))
    beside = next(DIST.glob("shipperone_erp_odoo-*.whl"))
    with tempfile.TemporaryDirectory() as folder:
        places = {"UV_TOOL_DIR": f"{folder}/uv", "UV_TOOL_BIN_DIR": f"{folder}/uv-bin"}
        run("uv", "tool", "install", "--quiet", "--python", sys.executable, "--find-links", DIST,
            "--with", beside, wheel, **places)  # fmt: skip
        yield f"uv tool: {used(Path(folder) / 'uv-bin' / 'shipperone-erp', 'shipperone-erp-odoo')}"
        places = {"PIPX_HOME": f"{folder}/pipx", "PIPX_BIN_DIR": f"{folder}/pipx-bin", "PIP_FIND_LINKS": str(DIST)}
        pipx = [sys.executable, "-m", "pipx"]
        run(*pipx, "install", "--quiet", wheel, **places)
        run(*pipx, "inject", "--quiet", "shipperone-erp", beside, **places)
        yield f"pipx: {used(Path(folder) / 'pipx-bin' / 'shipperone-erp', 'shipperone-erp-odoo')}"


def main(packages: Sequence[str]) -> None:
    """All of it; SystemExit or CalledProcessError at the first thing that is wrong."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    archives = [archive for package in PACKAGES for archive in reproducible(package)]
    run(sys.executable, "-m", "twine", "check", "--strict", *archives)
    for package in packages or PACKAGES:
        for line in alone(package):
            print(f"{package}: {line}")
    for line in as_tools():
        print(line)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(archives))
    (DIST / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
