"""`init`: writes a commented TOML to fill in; on a terminal a guide asks, checks, and writes a working one."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from shipperone_erp import config as settings
from shipperone_erp.cli.options import print_text
from shipperone_erp.cli.output_redaction import REDACTION
from shipperone_erp.cli.tables import print_paragraphs
from shipperone_erp.config.secret_sources import SecretPlaces
from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import Question
from shipperone_erp.kernel import private_files
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.operations.setup_guide.config_writer import tenants_in, write
from shipperone_erp.operations.setup_guide.interview import Answer, Answers, Unattended, interview
from shipperone_erp.operations.setup_guide.questions import CHOICES, WRITE, Finished, Guide
from shipperone_erp.operations.setup_guide.tenant_toml import OWN

BACK = "<"
FLAGS = {
    "name": "NAME", "base_url": "--base-url", "allow_http": "--allow-http", "store_code": "--store",
    "secrets": "--secrets", "token": "--token", "stages": "--stages", "connector": "--connector",
    "timezone": "--timezone", "findings": "--findings", "go_live": "--go-live", "write": "--write",
}  # fmt: skip
"""The command-line option that answers each question, by its name; a connector's own are --set and --secret."""

FILE = Path("shipperone-erp.toml")


def init(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The tenant's name.")] = None,
    connector: Annotated[str | None, typer.Option("--connector", help="The connector's name.")] = None,
    config: Annotated[Path, typer.Option("-c", "--config", help="The file to write.")] = FILE,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Your ShipperOne instance.")] = None,
    allow_http: Annotated[
        bool | None, typer.Option("--allow-http/--no-http", help="Allow an unencrypted address.")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", help="The store code that you got with the token.")] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", metavar="PLACE", help="Where the token is: env:NAME, file:PATH, credential:NAME."),
    ] = None,
    secrets: Annotated[
        str | None, typer.Option(help="Where typed secrets are stored: file, env or credential.")
    ] = None,
    stages: Annotated[str | None, typer.Option(help="both, allocation or invoice.")] = None,
    own: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="The answer to a question of the connector (repeatable)."),
    ] = None,
    own_secret: Annotated[
        list[str] | None,
        typer.Option("--secret", metavar="NAME=PLACE", help="Where a secret of the connector is stored."),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Such as Europe/Bratislava.")] = None,
    findings: Annotated[
        str | None, typer.Option(help="Which findings of `inspect` to write: settled, all or none.")
    ] = None,
    go_live: Annotated[str | None, typer.Option(help="ask or now.")] = None,
    yes: Annotated[bool, typer.Option("--write", help="Write it without asking.")] = False,
) -> None:
    """Set up a tenant. On a terminal: ask questions, check each answer, and write a working TOML file.

    NAME and --connector alone write a commented TOML to be filled in.
    """
    document = {
        "name": name, "connector": connector, "base_url": base_url, "store_code": store, "secrets": secrets,
        "stages": stages, "timezone": timezone, "findings": findings, "go_live": go_live,
        "allow_http": None if allow_http is None else "yes" if allow_http else "no", "write": "yes" if yes else None,
    }  # fmt: skip
    plain = {key: value for key, value in document.items() if value is not None}
    for question, allowed in CHOICES.items():
        if plain.get(question, allowed[0]) not in allowed:
            raise UsageError(f"{FLAGS[question]} {plain[question]}: it is {' or '.join(allowed)}")
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if name and connector and not (plain.keys() - {"name", "connector"} or token or own or own_secret):
        _template(name, connector, config)
        return
    if not terminal and base_url is None:
        missing = [flag for flag, given in (("NAME", name), ("--connector", connector)) if not given]
        needed = " and ".join(missing) or "--base-url"
        raise UsageError(f"init needs {needed}; on a terminal it asks; `init --help` lists its flags")
    references = dict(_placed(one) for one in [*([f"token={token}"] if token else []), *(own_secret or [])])
    given: dict[str, Answer] = {**plain, **{f"{OWN}{key}": value for key, value in map(_pair, own or [])}}
    given |= _resolved(references, config.parent)
    _guided(config, references, given, terminal=terminal)


def _template(name: str, connector: str, config: Path) -> None:
    text = settings.template(name, connector)
    try:
        with private_files.written(config, new=True) as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{config} exists already; name another file with -c, or add the tenant to it by hand"
        ) from None
    print_text(f"wrote {config}; fill in the marked places, then: shipperone-erp config check -c {config}")


def _guided(
    config: Path, references: Mapping[str, Mapping[str, str]], given: Mapping[str, Answer], *, terminal: bool
) -> None:
    guide = Guide(config, tenants_in(config), references)
    if terminal:
        print_paragraphs(
            f"One question at a time. Enter takes the [default], {BACK} goes back. Nothing is written before the end."
        )
    asked: set[str] = set()

    def following(answers: Answers) -> Question | Finished:
        step = guide(answers)
        if isinstance(step, Question):
            asked.add(step.name)
        return step

    finished = interview(following, _Terminal() if terminal else Unattended(_flag), given)
    for name in (name for name in given if name.startswith(OWN) and name not in asked):
        typer.echo(f"not used, since the question was not asked: {name.removeprefix(OWN)}", err=True)
    if finished is None:
        raise UsageError("nothing was written")
    written = write(finished, config, os.environ)
    print_text("", f"wrote {', '.join(str(file) for file in written)}; checked: no problems", "", "Now:")
    at = "" if config == FILE else f" -c {config}"
    print_text(
        *(f"  {line}" for line in finished.then),
        f"  shipperone-erp doctor {finished.tenant}{at}",
        f"  shipperone-erp run --dry-run{at}",
    )


class _Terminal:
    """Asks questions on a terminal, each with the findings so far, its purpose and the possible answers."""

    def ask(self, question: Question) -> str | None:
        print_text("")
        for text in (question.found, question.explains):
            as_it_is = question.name == WRITE and text == question.explains
            (print_text if as_it_is else print_paragraphs)(*(text.rstrip("\n").split("\n") if text else ()))
        width = max((len(option.value) for option in question.options), default=0)
        print_paragraphs(*(f"  {option.value:{width}}  {option.says}".rstrip() for option in question.options))
        default = question.default if question.default is not None and not question.secret else None
        try:
            answer = typer.prompt(
                question.asks,
                default=default if default is not None else "" if question.default == "" else None,
                show_default=bool(default),
                hide_input=question.secret,
                prompt_suffix=": ",
            )
        except typer.Abort:
            raise UsageError("nothing was written") from None
        if str(answer).strip() == BACK:
            return None
        if question.secret:
            REDACTION.add([str(answer)])
        return str(answer)

    def wrong(self, sentence: str) -> None:
        print_paragraphs(*(f"  ! {line}" for line in REDACTION(sentence).split("\n")))


def _flag(question: Question) -> str:
    own = question.name.removeprefix(OWN)
    if own == question.name:
        return FLAGS[question.name]
    return f"--secret {own}=env:NAME" if question.secret else f"--set {own}=VALUE"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text}: write NAME=VALUE")
    return name, value


def _placed(text: str) -> tuple[str, dict[str, str]]:
    """Splits `token=env:NAME` into the question and the TOML's reference."""
    name, place = _pair(text)
    kind, colon, where = place.partition(":")
    if not colon or kind not in ("env", "file", "credential") or not where:
        raise UsageError(f"{name}: give its place: env:NAME, file:PATH or credential:NAME; never the secret itself")
    return name, {kind: where}


def _resolved(references: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, Answer]:
    places = SecretPlaces(folder, os.environ)
    found: dict[str, Answer] = {}
    for name, reference in references.items():
        try:
            secret = places.resolve(dict(reference))
        except ValueError as missing:
            raise UsageError(f"{name}: {missing}") from None
        REDACTION.add([secret])
        found["token" if name == "token" else f"{OWN}{name}"] = Secret(secret)
    return found
