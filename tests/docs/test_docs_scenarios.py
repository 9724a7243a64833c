"""Every `console` block of docs/ is run in the world that its page names, and compared.

Above the blocks a page says `<!-- scenario: NAME -->`: the generator of that name in docs_scenarios.py, which asks for
fixtures as a test does, makes that world up to its first `yield`. The blocks up to the next heading are then run in its
folder. At `<!-- meanwhile: … -->` the generator goes on to its next `yield`; after the last block it comes to its end.

REWRITE_DOCS=1 pytest -n 0 tests/docs/test_docs_scenarios.py      writes what was printed into the pages
"""

import inspect
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import docs_scenarios
from console_blocks import commands, differences, run
from places import PAGES as ALL_PAGES
from places import TESTS
from warm_processes import command_for_shells

SCENARIO = re.compile(r"<!-- scenario: (\w+) -->")
MEANWHILE = re.compile(r"<!-- meanwhile: .+ -->")


@dataclass
class Scene:
    """A scenario and the blocks below it, in stretches between which something happens."""

    page: Path
    name: str
    stretches: list[list[str]] = field(default_factory=lambda: [[]])


def scenes(page: Path) -> tuple[list[Scene], list[int]]:
    """Those of a page, and the lines of console blocks that have none."""
    found: list[Scene] = []
    orphans: list[int] = []
    scene: Scene | None = None
    block: list[str] | None = None
    kind = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if block is not None and line == "```":
            if kind == "console" and scene is None:
                orphans.append(number - len(block) - 1)
            elif kind == "console" and scene is not None:
                scene.stretches[-1].append("\n".join([*block, ""]))
            block = None
        elif block is not None:
            block.append(line)
        elif line.startswith("```"):
            block, kind = [], line.strip("`").strip()
        elif line.startswith("#"):
            scene = None
        elif named := SCENARIO.fullmatch(line):
            scene = Scene(page, named[1])
            found.append(scene)
        elif scene is not None and MEANWHILE.fullmatch(line):
            scene.stretches.append([])
    return found, orphans


RUN_AS_A_WHOLE = {
    "alerts.md": "integration/operations/test_alerts.py",
    "going-live.md": "acceptance/days/test_going_live_page.py",
    "tour.md": "readme/run.py",
    "tutorial.md": "docs/test_docs_tutorial.py",
}
"""Pages whose blocks another test runs, most of them as one long story from the first line to the last."""

PAGES = [page for page in ALL_PAGES if page.name not in RUN_AS_A_WHOLE]
SCENES = [scene for page in PAGES for scene in scenes(page)[0]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_console_block_is_outside_a_scenario(page):
    assert [f"{page.name}:{line}" for line in scenes(page)[1]] == []


@pytest.mark.parametrize(("page", "test"), RUN_AS_A_WHOLE.items())
def test_a_page_that_is_run_as_a_whole_has_its_test(page, test):
    assert page in (TESTS / test).read_text(encoding="utf-8")


def test_every_scenario_is_shown_and_every_one_shown_exists():
    written = {name for name, made in vars(docs_scenarios).items() if inspect.isgeneratorfunction(made)}
    assert {scene.name for scene in SCENES} == written
    assert all(any(blocks) for scene in SCENES for blocks in scene.stretches), "a stretch without a block"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.page.stem}-{scene.name}")
def test_the_commands_print_the_output_on_the_page(scene, world, request):
    world.erp_settings["name"] = '"books"'
    scenario = getattr(docs_scenarios, scene.name)
    steps = scenario(**{name: request.getfixturevalue(name) for name in inspect.signature(scenario).parameters})
    try:
        for number, blocks in enumerate(scene.stretches):
            assert next(steps, steps) is None, f"{scene.name} has only {number} steps; the page has more"
            if number == 0:
                world.write()
            session = [command for block in blocks for command in commands(block)]
            path = os.pathsep.join(map(str, [command_for_shells(), Path(sys.executable).parent, os.environ["PATH"]]))
            environment = {**world.process_environment(), "PATH": path}
            printed = run(session, world.folder, environment, docs_scenarios.VARIES.get(scene.name, {}))
            failures = differences(session, printed, scene.page.name, f"<!-- scenario: {scene.name} -->")
            assert not failures, "\n".join(failures)
        assert next(steps, steps) is steps, f"{scene.name} goes on; the page has no more for it"
    finally:
        steps.close()
