"""The messages of docs/reference/errors.md that carry no code: read from the source, each with the page that says what to do.

A message is what an exception is raised with that ends a command, a problem of the configuration, or a line of `doctor`.
What is filled in stands as `…`.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shipperone_erp.config.validation_errors import PLAIN

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = "core/src/shipperone_erp"
SETTINGS = ("ConfigurationError", "ValueError", "PydanticCustomError", "SecretMissing")
RAISED = ("UsageError", "LedgerError", "LedgerDamaged", "PluginRefused", "ConfigurationError", "SecretMissing")

PAGES: Mapping[str, tuple[str, str]] = {
    f"{CORE}/config/page.py": ("page.md", "the operations page"),
    f"{CORE}/config": ("configuration.md", "the configuration"),
    f"{CORE}/connector": ("connectors.md", "connectors and policies"),
    f"{CORE}/ledger": ("operations.md", "the ledger"),
    f"{CORE}/operations/inspect": ("first-contact.md", "first contact"),
    f"{CORE}/operations/capture": ("first-contact.md", "first contact"),
    f"{CORE}/operations/setup_guide": ("first-contact.md", "first contact"),
    f"{CORE}/operations/queue_files.py": ("first-contact.md", "first contact"),
    f"{CORE}/operations/replay.py": ("first-contact.md", "first contact"),
    f"{CORE}/operations/document_adoption.py": ("going-live.md", "going live"),
    f"{CORE}/operations/go_live.py": ("going-live.md", "going live"),
    f"{CORE}/operations": ("operations.md", "acts on orders"),
    f"{CORE}/cli/inspect.py": ("first-contact.md", "first contact"),
    f"{CORE}/cli/capture.py": ("first-contact.md", "first contact"),
    f"{CORE}/cli/init.py": ("first-contact.md", "first contact"),
    f"{CORE}/cli/document_commands.py": ("going-live.md", "going live"),
    f"{CORE}/cli/web.py": ("page.md", "the operations page"),
    f"{CORE}/cli": ("commands.md", "commands"),
    f"{CORE}/domain/explanations.py": ("reasons.md", "reasons"),
    f"{CORE}/domain": ("operations.md", "the ledger"),
    f"{CORE}/kernel": ("configuration.md", "the configuration"),
    f"{CORE}/shipperone": ("configuration.md", "the configuration"),
    f"{CORE}/tools": ("connectors.md", "connectors and policies"),
    f"{CORE}/workflow": ("operations.md", "the service"),
    f"{CORE}/demo": ("tour.md", "the demo"),
    f"{CORE}/engine": ("operations.md", "the service"),
    f"{CORE}/fleet": ("deployment.md", "many machines"),
    f"{CORE}/scaffold": ("tutorial.md", "a connector of your own"),
    f"{CORE}/testing": ("conformance.md", "the conformance kit"),
    f"{CORE}/sandbox": ("sandbox.md", "the sandbox"),
    f"{CORE}/web": ("page.md", "the operations page"),
    "connectors/generic_sql/src": ("generic-sql.md", "generic_sql"),
    "connectors/odoo/src": ("odoo.md", "Odoo"),
    "connectors/tryton/src": ("tryton.md", "Tryton"),
}
"""By where a message is raised: the page about it, and what it is called. The first that fits a file."""

DECLARED = (
    "settings.py",
    "alerts.py",
    "page.py",
    "fleet.py",
    "durations.py",
    "address.py",
    "maps.py",
    "lint.py",
)
"""Modules whose ValueErrors are problems of the configuration, beside those of core's `config`."""


@dataclass(frozen=True, order=True)
class Message:
    """What is printed, with the page about it."""

    page: str
    about: str
    text: str


@cache
def messages() -> list[Message]:
    """Each message once, by page."""
    found = set()
    for file in sorted([*REPOSITORY.glob("core/src/**/*.py"), *REPOSITORY.glob("connectors/*/src/**/*.py")]):
        name = file.relative_to(REPOSITORY).as_posix()
        place = next((pages for start, pages in PAGES.items() if name.startswith(start)), None)
        of_settings = f"{CORE}/config/" in name or file.name in DECLARED
        for text in _said(ast.parse(file.read_text(encoding="utf-8")), of_settings=of_settings):
            assert place is not None, f"{name} prints {text!r}: name the page about it in PAGES"
            found.add(Message(*place, text))
    words = {*PLAIN.values(), "unknown setting", "it is missing"}
    found |= {Message("configuration.md", "the configuration", text) for text in words}
    return sorted(found)


def checks() -> list[tuple[str, str, str]]:
    """Each line of `doctor` that is no OK: its check, what is printed, the cure."""
    found = set()
    for file in sorted((REPOSITORY / CORE / "operations").glob("*.py")):
        for function, call in _calls(ast.parse(file.read_text(encoding="utf-8"))):
            name = _name(call.func)
            if name == "warning_line":
                wanted = call.args[1:]
            elif name in ("Line", "add") and "Verdict" in ast.unparse(call):
                check, verdict, sentence, *more = call.args[1:] if name == "Line" else call.args
                if ast.unparse(verdict) == "Verdict.OK":
                    continue
                wanted = [check, sentence, *more[:1]]
            else:
                continue
            check, sentence, *cure = (_text(each, function, call.lineno) for each in wanted)
            if check and sentence:
                found.add((check, sentence, "".join(one or "" for one in cure)))
    return sorted(found)


def _said(tree: ast.Module, *, of_settings: bool) -> Iterator[str]:
    raised = {*RAISED, *(SETTINGS if of_settings else ())}
    found: list[str | None] = []
    for function, call in _calls(tree):
        name = _name(call.func)
        place = {"Problem": 3, "problem": 1}.get(name, 0 if name in raised else None)
        if place is not None and len(call.args) > place:
            found.append(_text(call.args[place], function, call.lineno))
    if of_settings:
        causes = (node for node in ast.walk(tree) if isinstance(node, ast.Assign) and _is_cause(node))
        found += [_text(node.value, tree, node.lineno) for node in causes]
    yield from (text for text in found if text is not None and len(re.sub(r"\W|…", "", text)) > 8)


def _is_cause(node: ast.Assign) -> bool:
    return any(ast.unparse(target) == "cause" for target in node.targets)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Every call with the function that it is in."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside: dict[int, ast.AST] = {}
    for function in functions:  # outer ones come first
        inside.update({id(node): function for node in ast.walk(function)})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield inside.get(id(node), tree), node


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _text(node: ast.expr, function: ast.AST, line: int) -> str | None:
    """The message as a person sees it, on one line; None where it is composed elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return " ".join(text.split())
        case ast.JoinedStr(values=values):
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in values]
            return re.sub(r"…+", "…", " ".join("".join(map(str, parts)).split()))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{_text(left, function, line) or '…'} {_text(right, function, line) or '…'}"
        case ast.Name(id=name):  # what it was last given before; of a comprehension's own whatever it runs over
            if any(
                ast.unparse(each.target) == name and each.target.lineno in (line, line + 1) for each in _loops(function)
            ):
                return "…"
            given = [
                found
                for found in ast.walk(function)
                if isinstance(found, ast.Assign) and found.lineno < line and name in map(ast.unparse, found.targets)
            ]
            newest = max(given, key=lambda found: found.lineno, default=None)
            return _text(newest.value, function, newest.lineno) if newest is not None else None
    return None


def table() -> str:
    """The messages by page, as docs/reference/errors.md has them."""
    parts = []
    by_page: dict[tuple[str, str], list[str]] = {}
    for message in messages():
        by_page.setdefault((message.page, message.about), []).append(message.text)
    for (page, about), texts in sorted(by_page.items(), key=lambda one: one[0][1].casefold()):
        rows = "\n".join(f"- {_escaped(text)}" for text in sorted(texts, key=str.casefold))
        parts.append(
            f"### {about[:1].upper()}{about[1:]}\n\nWhat to do: [{page.removesuffix('.md')}]({page}).\n\n{rows}"
        )
    return "\n\n".join(parts)


def checks_table() -> str:
    """The lines of `doctor`, as docs/reference/errors.md has them."""
    rows = ["| check | what was found | cure |", "|---|---|---|"]
    rows += [f"| {' | '.join(_escaped(cell).replace('|', '&#124;') for cell in row)} |" for row in checks()]
    return "\n".join(rows)


def _loops(function: ast.AST) -> Iterator[ast.comprehension]:
    return (node for node in ast.walk(function) if isinstance(node, ast.comprehension))


def _escaped(text: str) -> str:
    """As Markdown prints it: code stays code, and nothing else is markup."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else re.sub(r"([*_<>\[\]#])", r"\\\1", piece) for piece in pieces)
