"""A service of this version beside a worker of the next one, on one ledger: the next one's schema is a later one.

The next version is a copy of this one with one more migration, in a process of its own.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shipperone_erp
from shipperone_erp.ledger.schema import REVISION
from shipperone_erp.sandbox import SandboxOrder

NEXT = f"{int(REVISION) + 1:04}"
MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{REVISION}"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("colour", sa.Text))
    op.add_column("queues", sa.Column("depth", sa.Integer, nullable=False, server_default="0"))
    op.create_table("palettes", sa.Column("name", sa.Text, primary_key=True))
'''


@pytest.fixture
def next_version(tmp_path):
    """A folder with the package of the next version."""
    package = tmp_path / "next" / "shipperone_erp"
    shutil.copytree(Path(shipperone_erp.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "ledger/migrations/versions" / f"{NEXT}_colours.py").write_text(MIGRATION)
    schema = package / "ledger/schema.py"
    text, changed = re.subn(r'^REVISION = "\d+"', f'REVISION = "{NEXT}"', schema.read_text(), flags=re.MULTILINE)
    assert changed == 1
    schema.write_text(text)
    return package.parent


def test_the_previous_version_continues_beside_the_next_one(world, postgresql_url, next_version):
    world.runtime_settings["ledger"] = f'"{postgresql_url}"'
    world.sandbox.add(SandboxOrder.simple("FO-1", ("MUG", 1, "10.00")))
    world.finishes()  # this version makes the ledger
    world.sandbox.add(SandboxOrder.simple("FO-2", ("MUG", 1, "10.00")))
    path = os.pathsep.join([str(next_version), world.process_environment()["PYTHONPATH"]])
    code = (
        "import sys, shipperone_erp\n"
        "from shipperone_erp.ledger.schema import REVISION\n"
        f"assert REVISION == '{NEXT}', shipperone_erp.__file__\n"
        "from shipperone_erp.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--once", "-c", str(world.write())],
        env={**world.process_environment(), "PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with world.ledger() as ledger:
        assert len(ledger.find_jobs()) == 4
    world.sandbox.add(SandboxOrder.simple("FO-3", ("MUG", 1, "10.00")))
    world.finishes()  # this version again, on the schema of the next
    assert (world.erp.effects("reserve_stock"), len(world.erp.issued())) == (3, 3)
