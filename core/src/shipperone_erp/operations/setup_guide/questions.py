"""The questions of `init` in their sequence, each with the findings about the answers before it.

A question is asked once every earlier one is answered and checked. Costly findings (a read of the queues, a call of the
ERP) are cached by the answers that they depend on, so that going back does not repeat them.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from shipperone_erp.config import TenantSettings
from shipperone_erp.config.editing import as_toml
from shipperone_erp.config.setting_types import in_plain_text
from shipperone_erp.connector import discovery
from shipperone_erp.connector.api import NoSettings
from shipperone_erp.connector.installed import CONNECTORS, installed
from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import Option, Question, Setup, SetupDone
from shipperone_erp.operations.inspect.inspection import inspect
from shipperone_erp.operations.inspect.results import Inspection, Proposal, Queues
from shipperone_erp.operations.setup_guide.interview import Answer, Answers
from shipperone_erp.operations.setup_guide.probes import answers_at, ask_connector, listed_queues, warehouses_of
from shipperone_erp.operations.setup_guide.secret_storage import PLACES, Kept
from shipperone_erp.operations.setup_guide.tenant_toml import OWN, document, local_zone
from shipperone_erp.operations.warehouse_mapping import codes_of

WRITE = "write"
"""The question whose explanation is the file, to the letter."""

YES_NO = (Option("yes"), Option("no"))
STAGES = (
    Option("both", "reserve stock, and invoice shipped orders"),
    Option("allocation", "reserve stock only"),
    Option("invoice", "invoice only"),
)
GO_LIVE = (
    Option("ask", "orders that are listed now are held until you decide (`go-live`)"),
    Option("now", "all orders are processed from the first read"),
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "secrets": tuple(one.value for one in PLACES),
    "stages": tuple(one.value for one in STAGES),
    "findings": ("settled", "all", "none"),
    "go_live": tuple(one.value for one in GO_LIVE),
}
"""Every answer that such a question may ever take, also of those that are not asked each time."""

References = Mapping[str, Mapping[str, str]]
NONE_KEPT: References = MappingProxyType({})
FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Finished:
    """The result of the answers, not yet written: the tenant's tables, its secrets, the operator's next steps."""

    tenant: str
    text: str
    kept: Kept
    then: tuple[str, ...]


class Guide:
    """The next question after these answers, or `Finished`. ValueError explains why the last answer is invalid.

    `file`: the path of the future TOML; `taken`: names of existing tenants; `references`: secrets that are already
    stored, as TOML references, by question.
    """

    def __init__(self, file: Path, taken: Sequence[str] = (), references: References = NONE_KEPT) -> None:
        self._file = file
        self._taken = frozenset(taken)
        self._references = references
        self._kept: dict[object, Any] = {}

    def __call__(self, answers: Answers) -> Question | Finished:
        """See the class."""
        for question in chain(self._about_shop(answers), self._about_erp(answers), self._about_start(answers)):
            if question.name not in answers or question.name.startswith(OWN):  # a connector may ask one again
                return question
        return self._finished(answers)

    # These are resumed behind a question only if it is answered: the lines that follow a question check its answer.

    def _about_shop(self, answers: Answers) -> Iterator[Question]:
        yield Question(
            "base_url", "address of your ShipperOne instance",
            "The instance that your token belongs to, such as https://acme.example.",
        )  # fmt: skip
        self._once(("address", _text(answers, "base_url")), lambda: answers_at(_settings(answers).base_url))
        if in_plain_text(_text(answers, "base_url")):
            sentence = (
                "The address is http:// to another machine: the token and the customers' data can be read in transit."
            )
            yield Question("allow_http", "send them unencrypted anyway", sentence, default="no", options=YES_NO)
            if answers["allow_http"] == "no":
                raise ValueError("the address must begin with https://; type < to go back to it")
        yield Question(
            "store_code", "store code", "It belongs to the token.", found="the address answers", default="default"
        )
        host = urlsplit(_text(answers, "base_url")).hostname or ""
        near = re.sub(r"[^A-Za-z0-9-]", "", host.split(".")[0]) if not host.replace(".", "").isdigit() else ""
        default = near if near not in {"", "www", "localhost", *self._taken} else "acme"
        yield Question(
            "name", "a name for this shop", "Its name in lists, logs and commands.",
            default=None if default in self._taken else default,
        )  # fmt: skip
        if _text(answers, "name") in self._taken:
            raise ValueError(f"{self._file} has a tenant {_text(answers, 'name')} already")
        _settings(answers)
        if "token" not in self._references:  # else a secret of the connector asks for the place, if there is one
            yield Question(
                "secrets", "where to store secrets", "The TOML contains only their place, never a secret.",
                default="file", options=PLACES,
            )  # fmt: skip
        yield Question("token", "token", "Your input is not shown.", secret=True)
        listed = self._warehouses(answers)
        store = _text(answers, "store_code")
        found = (
            f"the token is valid; store {store} has {len(listed)} warehouse(s): {', '.join(codes_of(listed))}"
            if listed is not None
            else "the token is valid, but lacks the scope to read the warehouses"
        )
        yield Question("stages", "tasks of this ERP", found=found, default="both", options=STAGES)

    def _about_erp(self, answers: Answers) -> Iterator[Question]:
        queues = self._queues(answers)
        options = tuple(Option(one.name, f"{one.distribution} {one.version}") for one in installed(CONNECTORS))
        explains = (
            "The connector for your ERP. Others are installed beside this command (pip install "
            "shipperone-erp-odoo); `shipperone-erp connectors new NAME` creates a new one."
        )
        only = options[0].value if len(options) == 1 else None
        yield Question("connector", "connector", explains, _listed_counts(queues), default=only, options=options)
        discovery.load_connector(_text(answers, "connector"))
        step = self._setup(answers)
        if isinstance(step, Question):
            if step.secret and step.name not in self._references:
                yield Question(
                    "secrets", "where to store secrets", "The TOML contains only their place.",
                    default="file", options=PLACES,
                )  # fmt: skip
            yield replace(step, name=f"{OWN}{step.name}")

    def _about_start(self, answers: Answers) -> Iterator[Question]:
        found = self._inspection(answers)
        proposed = found.proposal
        sentence = "Documents are dated in this time zone: half past midnight can still be yesterday in UTC."
        yield Question("timezone", "time zone of the shop", sentence, default=proposed.timezone or local_zone())
        _settings(answers)
        summary = _summary(found)
        if not proposed.empty:
            options = [
                Option("settled", "write the settings that no order contradicts"),
                Option("none", "write none of them"),
            ]
            if proposed.needs_a_yes:
                decided = ", ".join(proposed.needs_a_yes)
                options.insert(1, Option("all", f"write {decided} as well: an accountant has agreed to it"))
            text = as_toml(found.tenant, proposed.settings())
            yield Question(
                "findings", "the places of ShipperOne's fields",
                f"The listed orders suggest these settings:\n\n{text}",
                summary, default="settled", options=tuple(options),
            )  # fmt: skip
        sentence = "Were some of the listed orders already handled by hand? They must not be processed a second time."
        shown = summary if proposed.empty else ""
        yield Question("go_live", "going live", sentence, found=shown, default="ask", options=GO_LIVE)
        will = f"This will be written to {self._file}:"
        yield Question(WRITE, "write it", self._finished(answers).text, found=will, default="yes", options=YES_NO)

    def _setup(self, answers: Answers) -> Question | SetupDone:
        name, queues = _text(answers, "connector"), self._queues(answers)
        own = {key.removeprefix(OWN): answer for key, answer in answers.items() if key.startswith(OWN)}
        codes = dict.fromkeys([*codes_of(queues.warehouses or ()), *self._inspection(answers).warehouses])
        setup = Setup(_text(answers, "name"), self._file.parent, tuple(codes), own)
        return self._once(("own", name, tuple(own.items()), setup.warehouses), lambda: ask_connector(name, setup))

    def _finished(self, answers: Answers) -> Finished:
        done = cast(SetupDone, self._setup(answers))
        proposal = self._agreed(answers)
        kept = self._secrets(answers)
        references = {name: dict(kept.reference(name)) for name in kept.secrets}
        references |= {name: dict(reference) for name, reference in self._references.items()}
        settings = _settings(answers)
        text = document(settings, _text(answers, "go_live"), proposal, done, references, answers)
        return Finished(settings.name, text, kept, (*kept.then(), *done.then))

    def _agreed(self, answers: Answers) -> Proposal:
        proposal = self._inspection(answers).proposal
        chosen = {"settled": proposal.settled(), "all": proposal, "none": Proposal()}
        return chosen[_text(answers, "findings") if "findings" in answers else "none"]

    def _secrets(self, answers: Answers) -> Kept:
        typed = {
            name.removeprefix(OWN): answer
            for name, answer in answers.items()
            if isinstance(answer, Secret)
            and answer.get_secret_value()
            and name.removeprefix(OWN) not in self._references
        }
        place = _text(answers, "secrets") if "secrets" in answers else "file"
        return Kept(place, _text(answers, "name"), self._file.parent, typed)

    def _warehouses(self, answers: Answers) -> Sequence[Any] | None:
        settings = _settings(answers)
        key = ("warehouses", settings.base_url, settings.store_code, settings.token.get_secret_value())
        return self._once(key, lambda: asyncio.run(warehouses_of(settings)))

    def _queues(self, answers: Answers) -> Queues:
        settings = _settings(answers)
        key = ("queues", settings.base_url, settings.store_code, settings.token.get_secret_value(), settings.stages)
        return self._once(key, lambda: asyncio.run(listed_queues(settings)))

    def _inspection(self, answers: Answers) -> Inspection:
        queues, settings = self._queues(answers), _settings(answers)
        return self._once(("inspection", id(queues), settings.name), lambda: inspect(settings, queues))

    def _once(self, key: object, look: Callable[[], FoundT]) -> FoundT:
        """A finding, cached by what it depends on. Exceptions are not cached."""
        if key not in self._kept:
            self._kept[key] = look()
        found: FoundT = self._kept[key]
        return found


def _text(answers: Answers, name: str) -> str:
    answer: Answer = answers[name]
    return answer if isinstance(answer, str) else answer.get_secret_value()


def _settings(answers: Answers) -> TenantSettings:
    """The tenant as far as the answers define it, without a connector. ValidationError for an invalid answer."""
    token = answers.get("token") or Secret("unknown")
    given: dict[str, Any] = {"timezone": answers["timezone"]} if "timezone" in answers else {}
    if answers.get("allow_http") == "yes":
        given["allow_http"] = True
    if answers.get("stages", "both") != "both":
        given["stages"] = (answers["stages"],)
    return TenantSettings(
        name=answers.get("name", "new"), base_url=answers["base_url"], store_code=answers.get("store_code", "default"),
        token=token, connector=answers.get("connector", "none"), connector_settings=NoSettings(), policy_settings={},
        **given,
    )  # fmt: skip


def _listed_counts(queues: Queues) -> str:
    """The number of orders in each queue."""
    counts = ", ".join(f"{len(rows)} order(s) in pending_{stage}" for stage, rows in queues.orders.items())
    return f"{counts}; nothing was changed"


def _summary(found: Inspection) -> str:
    """The result of `inspect` in a few lines."""
    total = sum(found.orders.values())
    if not total:
        return (
            "no order is listed, so the places of ShipperOne's fields could not be checked; when orders are listed, "
            f"run: shipperone-erp inspect {found.tenant}"
        )
    lines = [
        f"{found.explained} of {found.totals} orders that list a total come to it",
        f"with these settings {found.then} of {total} would be held, without them {found.now}",
    ]
    reasons = Counter({held.reason: held.orders for held in found.held_then})
    lines += [f"  {count} {reason}" for reason, count in reasons.most_common()]
    lines += [f"only you can answer: {question}" for question in found.questions]
    return "\n".join(lines)
