"""Writes the parts of docs/ that are made from the code, between `<!-- generated: NAME -->` and `<!-- end -->`.

python tests/support/docs_render.py          rewrites the files
"""

import ast
import importlib
import inspect
import itertools
import os
import re
import sys
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.testing import CliRunner

import docs_hooks
import docs_messages
from connector_reports import HOW, report_of
from docs_states import diagram
from import_contracts import FLOORS, PACKAGE
from places import DOCS, PAGES, PLUGINS, page_file
from shipperone_erp.cli import INTERRUPTED
from shipperone_erp.cli.app import app
from shipperone_erp.config.alerts import AlertSettings
from shipperone_erp.config.effective_configuration import toml
from shipperone_erp.config.fleet import FleetSettings
from shipperone_erp.config.limits import LimitSettings
from shipperone_erp.config.page import PageSettings, PersonSettings, ProxySettings
from shipperone_erp.config.settings import (
    FIELD_NAMES,
    NOT_IN_TOML,
    ChargeSettings,
    RuntimeSettings,
    TenantSettings,
)
from shipperone_erp.connector import discovery
from shipperone_erp.domain import explanations
from shipperone_erp.domain.exit_codes import FIRST_THAT_FITS, Ending
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.durations import words
from shipperone_erp.operations import connector_page
from shipperone_erp.policies import invoice_note, within_a_cent
from shipperone_erp.sandbox import SCENARIOS
from shipperone_erp.testing import ConnectorHarness
from shipperone_erp.testing import case_pages as conformance
from shipperone_erp_generic_sql import GenericSqlSettings, recipe
from shipperone_erp_generic_sql.binds import ORDER_BINDS
from shipperone_erp_generic_sql.cli import app as sql_app
from shipperone_erp_generic_sql.element_binds import BINDS_OF
from shipperone_erp_odoo.settings import OdooSettings, PaymentRule, TaxRule, WarehouseRule
from shipperone_erp_tryton import TaxRule as TrytonTaxRule
from shipperone_erp_tryton import TrytonSettings

PART = re.compile(r"(<!-- generated: ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _settings(model: type[BaseModel], prefix: str = "", *, without: Collection[str] = NOT_IN_TOML) -> str:
    rows = ["| key | default | what it is |", "|---|---|---|"]
    for key, field in model.model_fields.items():
        if key in without or not key.startswith(prefix):
            continue
        default = field.get_default(call_default_factory=True)
        if default is PydanticUndefined:
            shown = "required"
        elif default is None:
            shown = ""
        else:
            shown = f"`{words(default)}`" if isinstance(default, timedelta) else f"`{toml(default)}`"
        rows.append(f"| `{key}` | {shown} | {field.description} |")
    return "\n".join(rows)


def _fields() -> str:
    return ", ".join(f"`{name}`" for name in FIELD_NAMES)


def _commands(group: typer.Typer = app, name: str = "shipperone-erp") -> str:
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    parts = []

    def walk(command: object, path: tuple[str, ...]) -> None:
        text = runner.invoke(group, [*path, "--help"], prog_name=name).output.rstrip()
        title = " ".join((name, *path))
        parts.append(f"### `{title}`\n\n```text\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```")
        for below, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, below))

    for inner, command in typer.main.get_command(group).commands.items():  # type: ignore[attr-defined]
        walk(command, (inner,))
    return "\n\n".join(parts)


MEANINGS = {
    Ending.CONFIGURATION: "the configuration, a connector, or what the ledger is bound to; nothing was started there",
    Ending.USAGE: "the command was given what it cannot act on, such as an order that nobody knows; nothing was done there",
    Ending.FAILED: "it failed, or another process serves the tenant",
    Ending.PLATFORM: "ShipperOne cannot be reached, or refuses the token",
    Ending.ERP: "the ERP cannot be reached, or refuses the login",
    Ending.HELD: "finished, but something is held for a person",
    Ending.FINISHED: "finished",
}


def _exits() -> str:
    rows = ["| code | meaning |", "|---|---|"]
    return "\n".join(rows + [f"| {int(ending)} | {MEANINGS[ending]} |" for ending in FIRST_THAT_FITS])


def _binds() -> str:
    rows = ["| bind | of | what it is | steps |", "|---|---|---|---|"]
    of_one = {"one item": BINDS_OF["item"], "one charge": BINDS_OF["charge"], "one tax rate": BINDS_OF["tax"]}
    for of, binds in (("the call", ORDER_BINDS), *of_one.items()):
        for name, bind in binds.items():
            steps = ", ".join(sorted(bind.steps)) if bind.steps else "all"
            rows.append(f"| `:{name}` | {of} | {bind.description} | {steps} |")
    return "\n".join(rows)


def _recipe(way: str, dialect: str, *parts: str) -> str:
    made = recipe(way, dialect)
    kinds = {"toml": "toml", "answer": "postgresql"}  # only that lexer reads what stands between dollars
    return "\n\n".join(f"```{kinds.get(part, 'sql')}\n{getattr(made, part).rstrip()}\n```" for part in parts)


def documents_group() -> str:
    """The group of statements with which the recipe `documents` reserves one item."""
    made = recipe("documents", "postgresql").toml
    return made[made.index("# The statements of one item") : made.index("# --- release")].rstrip()


def documents_taxes() -> str:
    """The recipe's rules for shipping and charges, and the statement that writes the tax table."""
    made = recipe("documents", "postgresql").toml
    rules = made[made.index("[tenants.acme.generic_sql.taxes]") : made.index("# --- reserve")].rstrip()
    (step,) = (part for part in made.split("\n\n") if 'each = "tax"' in part)
    return f"```toml\n{rules}\n```\n\n```toml\n{step}\n```"


def _scenarios() -> str:
    rows = ["| scenario | what it is |", "|---|---|"]
    return "\n".join(rows + [f"| `{name}` | {scenario.description} |" for name, scenario in SCENARIOS.items()])


def _install() -> str:
    """The commands of the README's first block that install, each on a line of its own: CI runs them there."""
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(.*demo)\n```$", readme, re.MULTILINE)
    *installing, _ = block.split(" && ")
    return "\n".join(["```sh", *installing, "```"])


def _layers() -> str:
    """What imports are held to, from the top down; each with the first sentence that it says of itself."""
    rows = ["| floor | what it is |", "|---|---|"]
    for floor in reversed(FLOORS):
        names = sorted(name for name in floor if (PACKAGE / name).exists())
        if not names:
            continue
        lines = [f"{name}: {_says(name)}" if len(names) > 1 else _says(name) for name in names]
        rows.append(f"| {', '.join(f'`{name}`' for name in names)} | {'<br>'.join(lines)} |")
    return "\n".join(rows)


def _sessions() -> str:
    """What the noxfile offers, each with its docstring; marked where CI runs it."""
    tree = ast.parse((DOCS.parent / "noxfile.py").read_text(encoding="utf-8"))
    (default,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "IN_CI"
    ]
    rows = ["| `nox -s` | in CI | what it does |", "|---|---|---|"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and "nox.session" in map(ast.unparse, node.decorator_list):
            rows.append(f"| `{node.name}` | {'yes' if node.name in default else ''} | {ast.get_docstring(node)} |")
    return "\n".join(rows)


def _says(name: str) -> str:
    file = PACKAGE / name / "__init__.py"
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert text, f"{name} says nothing of itself"
    return text.split("\n\n")[0].replace("\n", " ")


def _source(file: str | Path | None) -> str:
    return f"```python\n{Path(str(file)).read_text(encoding='utf-8').rstrip()}\n```"


def _harness_settings() -> str:
    """The attributes of a harness that are no probes, each with the text below it."""
    rows = ["| attribute | default | what it is |", "|---|---|---|"]
    body = ast.parse(inspect.getsource(ConnectorHarness)).body[0].body  # type: ignore[attr-defined]
    for entry, after in itertools.pairwise([*body, None]):
        if isinstance(entry, ast.AnnAssign):
            default = f"`{ast.unparse(entry.value)}`" if entry.value else "required"
            text = after.value.value if isinstance(after, ast.Expr) else SAID_BY_ITS_NAME[ast.unparse(entry.target)]
            rows.append(f"| `{ast.unparse(entry.target)}` | {default} | {' '.join(text.split())} |")
    return "\n".join(rows)


SAID_BY_ITS_NAME = {
    "warehouse": "the warehouse that orders name",
    "currency": "of orders",
    "other_currency": "a currency that the ERP may or may not know",
    "tax_percent": "of every line",
}


def _mistakes() -> str:
    """Every fault of the hostile connector, by the case that is there for it."""
    sys.path.insert(0, str(PLUGINS / "hostile"))
    faults = importlib.import_module("hostile_erp").FAULTS
    rows = ["| case | mistake | since suite |", "|---|---|---|"]
    for found in conformance.CASES.values():
        for name, fault in faults.items():
            if fault.caught_by == found.id:
                text = " ".join(inspect.cleandoc(fault.__doc__).split())
                rows.append(f"| {found.id} {found.line} | `{name}`: {text} | {found.since} |")
    return "\n".join(rows)


def reasons() -> str:
    """docs/reference/reasons.md."""
    parts = ["# Reasons", "", "Why an order waits or is held, and what cures it: what `shipperone-erp explain` shows."]
    for reason, entry in explanations.EXPLANATIONS.items():
        parts += [
            "",
            f"## `{reason}`",
            "",
            entry.means,
            "",
            f"Owner: {explanations.whose_move(entry)}.",
            "",
            entry.meanwhile,
            "",
            entry.cure,
        ]
    return "\n".join(parts) + "\n"


def _error_reasons() -> str:
    """Each reason with whose move it is and the first sentence of what it means."""
    rows = ["| code | owner | meaning |", "|---|---|---|"]
    for reason, explanation in sorted(explanations.EXPLANATIONS.items()):
        first = re.split(r"(?<=[a-z`)]\.) ", explanation.means)[0]
        rows.append(f"| [`{reason}`](reasons.md#{reason}) | {explanation.owner} | {first} |")
    return "\n".join(rows)


def _error_exits() -> str:
    rows = ["| exit code | meaning |", "|---|---|"]
    exits = [f"| [{int(ending)}](commands.md#exit-codes) | {MEANINGS[ending]} |" for ending in FIRST_THAT_FITS]
    return "\n".join(
        [*rows, *exits, f"| {INTERRUPTED} | Ctrl-C, where the command did not end by it in an orderly way |"]
    )


def _error_exceptions() -> str:
    rows = ["| exception | what it is |", "|---|---|"]
    for raised in docs_hooks.raised():
        text = " ".join((inspect.getdoc(raised) or "").split())
        rows.append(f"| [`{raised.__name__}`](hooks.md) | {text} |")
    return "\n".join(rows)


def _error_cases() -> str:
    rows = ["| case | what fails |", "|---|---|"]
    return "\n".join(
        rows + [f"| [{found.id}](conformance.md) | {found.line} |" for found in conformance.CASES.values()]
    )


ASKED = {
    "The goods are in the warehouse, and the order waits for stock": Reason.NOT_ENOUGH_STOCK,
    "The lines do not come to the total. What now?": Reason.AMOUNT_UNEXPLAINED,
    "Nothing happens with the orders of the first day": Reason.BEFORE_GO_LIVE,
    "ShipperOne refuses the token": Reason.PLATFORM_AUTH,
    "The ERP was away for an hour. Are orders lost?": Reason.ERP_UNAVAILABLE,
    "An answer was lost. Was the order taken?": Reason.OUTCOME_UNKNOWN,
    "The same order is listed again after it was done": Reason.LISTED_AGAIN,
    "An order has disappeared from the queue": Reason.ORDER_GONE,
    "The period is closed, and an invoice belongs into it": Reason.ERP_PERIOD_LOCKED,
    "The ERP has an invoice with this order's number already": Reason.ALREADY_IN_ERP,
    "A tax is not mapped": Reason.TAX_NOT_MAPPED,
    "The order cannot be read": Reason.ORDER_UNREADABLE,
    "The connector has a fault. Are the other orders still processed?": Reason.CONNECTOR_BUG,
    "A draft waits for an approval": Reason.AWAITING_APPROVAL,
}
"""What people ask in their own words, and the reason whose explanation answers it."""


def _faq() -> str:
    parts = []
    for asked, reason in ASKED.items():
        explanation = explanations.EXPLANATIONS[reason]
        parts.append(
            f"## {asked}\n\n{explanation.means}\n\n{explanation.meanwhile}\n\n**What to do:** {explanation.cure}\n\n"
            f"*[`{reason}`](reasons.md#{reason}), owner: {explanations.named(explanation.owner)}*"
        )
    return "\n\n".join(parts)


PARTS: dict[str, Callable[[], str]] = {
    "error_reasons": _error_reasons,
    "error_exits": _error_exits,
    "error_exceptions": _error_exceptions,
    "error_cases": _error_cases,
    "error_messages": docs_messages.table,
    "error_checks": docs_messages.checks_table,
    "faq": _faq,
    "runtime": lambda: _settings(RuntimeSettings, without=["page", "fleet", "alerts"]),
    "fleet": lambda: _settings(FleetSettings),
    "limits": lambda: _settings(LimitSettings),
    "alerts": lambda: _settings(AlertSettings),
    "page": lambda: _settings(PageSettings),
    "page_people": lambda: _settings(PersonSettings),
    "page_proxy": lambda: _settings(ProxySettings),
    "keep": lambda: _settings(RuntimeSettings, "keep_"),
    "tenant": lambda: _settings(TenantSettings),
    "charges": lambda: _settings(ChargeSettings, without=()),
    "fields": _fields,
    "commands": _commands,
    "exits": _exits,
    "binds": _binds,
    "scenarios": _scenarios,
    "install": _install,
    "layers": _layers,
    "sessions": _sessions,
    "cases": conformance.cases,
    "mistakes": _mistakes,
    "harness": lambda: _source(PLUGINS / "hostile" / "honest_harness.py"),
    "harness_settings": _harness_settings,
    "policy_invoice_note": lambda: _source(invoice_note.__file__),
    "policy_within_a_cent": lambda: _source(within_a_cent.__file__),
    "sql_commands": lambda: _commands(sql_app, "shipperone-erp sql"),
    "sql_settings": lambda: _settings(GenericSqlSettings),
    "odoo_settings": lambda: _settings(OdooSettings),
    "odoo_warehouses": lambda: _settings(WarehouseRule),
    "odoo_taxes": lambda: _settings(TaxRule),
    "odoo_payments": lambda: _settings(PaymentRule),
    "tryton_settings": lambda: _settings(TrytonSettings),
    "tryton_taxes": lambda: _settings(TrytonTaxRule),
    "inbox_setup": lambda: _recipe("inbox", "postgresql", "setup", "grants"),
    "inbox_statements": lambda: _recipe("inbox", "postgresql", "toml"),
    "inbox_answer": lambda: _recipe("inbox", "postgresql", "answer"),
    "procedures_statements": lambda: _recipe("procedures", "postgresql", "toml"),
    "recipe_tables": lambda: _recipe("guarded", "sqlite", "ddl"),
    "recipe_statements": lambda: _recipe("guarded", "sqlite", "toml"),
    "documents_group": lambda: f"```toml\n{documents_group()}\n```",
    "documents_taxes": documents_taxes,
    **docs_hooks.PARTS,
}


def connector_page_file(name: str) -> Path:
    """The page of that connector: what it declares, and what the conformance kit has found of it."""
    return page_file(f"connector-{name.replace('_', '-')}.md")


def _connector_page(name: str) -> str:
    """As `shipperone-erp connectors show NAME --markdown --report FILE` prints it, and how the report was made."""
    again = f"`python tests/support/connector_reports.py {name}` runs it again."
    return f"{connector_page.page(discovery.describe(name), report_of(name))}\n\n{HOW[name]} {again}\n"


def rendered(text: str) -> str:
    """The page with its generated parts as the code has them now."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", text)


def pages() -> dict[Path, str]:
    """Every page and every diagram of docs/, as it should be."""
    found = {page: rendered(page.read_text(encoding="utf-8")) for page in PAGES}
    found[page_file("reasons.md")] = reasons()
    found |= {connector_page_file(name): _connector_page(name) for name in HOW}
    linked = {page: _linked(page, text) for page, text in found.items()}
    return linked | {DOCS / f"{stage}.svg": diagram(stage) for stage in Stage}


def _linked(page: Path, text: str) -> str:
    """The text with its links to other pages as they lead there from this one; a writer names a page and no folder."""

    def link(found: re.Match[str]) -> str:
        return f"]({os.path.relpath(named[found[1]], page.parent)}" if found[1] in named else found[0]

    named = {other.name: other for other in PAGES}
    return re.sub(r"\]\((?:[\w./-]*/)?([\w-]+\.md)", link, text)


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
