"""Worlds whose process is killed at a given commit."""

import signal
from pathlib import Path

import new_ledgers
import warm_processes
from places import SUPPORT
from shipperone_erp.sandbox import Sandbox
from world import World

KINDS = {
    "drafts": ({}, {}),
    "without drafts": ({"drafts": "false"}, {}),
    "fiscal first": ({"fiscal": "true"}, {"fiscal_first": "true"}),
}


def a_world(folder: Path, sandbox: Sandbox, kind: str) -> World:
    folder.mkdir()
    world = World(folder, sandbox)
    erp, tenant = KINDS[kind]
    world.erp_settings.update(erp)
    world.settings.update(tenant, settle='"0.15s"')
    world.runtime_settings["lease"] = '"0.2s"'
    return world


def killed(world: World, when: str, commit: int) -> bool:
    """Run it until it is killed there; False if it came to its end before."""
    new_ledgers.place(world.folder / "ledger.db")
    script = SUPPORT / "killed_run.py"
    done = warm_processes.run_script(
        str(script), str(world.write()), when, str(commit), "SIGKILL", env=world.process_environment()
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0
