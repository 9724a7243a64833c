"""The questions of `init` in their sequence, each with the findings about the answers before it.

A question is asked once every earlier one is answered and checked. Costly findings (a read of the queues, a call of the
ERP) are cached by the answers that they depend on, so that going back does not repeat them.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from shipperone_erp.operations.inspect.inspection import Queues, inspect
from shipperone_erp.operations.inspect.results import Inspection, Proposal
from shipperone_erp.operations.setup_guide.inspection_summary import inspection_summary, listed_counts
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
        for ask in (
            self._address, self._http, self._store, self._name, self._place, self._token, self._stages, self._connector,
            self._own, self._timezone, self._findings, self._go_live, self._write,
        ):  # fmt: skip
            question = ask(answers)
            if question is not None:
                return question
        return self._finished(answers)

    def _address(self, answers: Answers) -> Question | None:
        if "base_url" not in answers:
            return Question(
                "base_url", "address of your ShipperOne instance",
                "The instance that your token belongs to, such as https://acme.example.",
            )  # fmt: skip
        self._once(("address", _text(answers, "base_url")), lambda: answers_at(_settings(answers).base_url))
        return None

    def _http(self, answers: Answers) -> Question | None:
        if not in_plain_text(_text(answers, "base_url")):
            return None
        if "allow_http" not in answers:
            sentence = (
                "The address is http:// to another machine: the token and the customers' data can be read in transit."
            )
            return Question("allow_http", "send them unencrypted anyway", sentence, default="no", options=YES_NO)
        if answers["allow_http"] == "no":
            raise ValueError("the address must begin with https://; type < to go back to it")
        return None

    def _store(self, answers: Answers) -> Question | None:
        found = "the address answers"
        return _unless(
            "store_code",
            answers,
            "store code",
            "It belongs to the token.",
            found=found,
            default="default",
        )

    def _name(self, answers: Answers) -> Question | None:
        if "name" not in answers:
            host = urlsplit(_text(answers, "base_url")).hostname or ""
            near = re.sub(r"[^A-Za-z0-9-]", "", host.split(".")[0]) if not host.replace(".", "").isdigit() else ""
            default = near if near not in {"", "www", "localhost", *self._taken} else "acme"
            return Question(
                "name", "a name for this shop", "Its name in lists, logs and commands.",
                default=None if default in self._taken else default,
            )  # fmt: skip
        if _text(answers, "name") in self._taken:
            raise ValueError(f"{self._file} has a tenant {_text(answers, 'name')} already")
        _settings(answers)
        return None

    def _place(self, answers: Answers) -> Question | None:
        if "token" in self._references:
            return None  # a secret of the connector asks for the place, if there is one
        return _unless(
            "secrets", answers, "where to store secrets", "The TOML contains only their place, never a secret.",
            default="file", options=PLACES,
        )  # fmt: skip

    def _token(self, answers: Answers) -> Question | None:
        if "token" not in answers:
            return Question("token", "token", "Your input is not shown.", secret=True)
        self._warehouses(answers)
        return None

    def _stages(self, answers: Answers) -> Question | None:
        if "stages" not in answers:
            listed = self._warehouses(answers)
            store = _text(answers, "store_code")
            found = (
                f"the token is valid; store {store} has {len(listed)} warehouse(s): {', '.join(codes_of(listed))}"
                if listed is not None
                else "the token is valid, but lacks the scope to read the warehouses"
            )
            return Question("stages", "tasks of this ERP", found=found, default="both", options=STAGES)
        self._queues(answers)
        return None

    def _connector(self, answers: Answers) -> Question | None:
        if "connector" not in answers:
            options = tuple(Option(one.name, f"{one.distribution} {one.version}") for one in installed(CONNECTORS))
            explains = (
                "The connector for your ERP. Others are installed beside this command (pip install "
                "shipperone-erp-odoo); `shipperone-erp connectors new NAME` creates a new one."
            )
            only = options[0].value if len(options) == 1 else None
            found = listed_counts(self._queues(answers))
            return Question("connector", "connector", explains, found, default=only, options=options)
        discovery.load_connector(_text(answers, "connector"))
        return None

    def _own(self, answers: Answers) -> Question | None:
        step = self._setup(answers)
        if not isinstance(step, Question):
            return None
        if step.secret and "secrets" not in answers and step.name not in self._references:
            return Question(
                "secrets",
                "where to store secrets",
                "The TOML contains only their place.",
                default="file",
                options=PLACES,
            )
        return replace(step, name=f"{OWN}{step.name}")

    def _setup(self, answers: Answers) -> Question | SetupDone:
        name, queues = _text(answers, "connector"), self._queues(answers)
        own = {key.removeprefix(OWN): answer for key, answer in answers.items() if key.startswith(OWN)}
        codes = dict.fromkeys([*codes_of(queues.warehouses or ()), *self._inspection(answers).warehouses])
        setup = Setup(_text(answers, "name"), self._file.parent, tuple(codes), own)
        return self._once(("own", name, tuple(own.items()), setup.warehouses), lambda: ask_connector(name, setup))

    def _timezone(self, answers: Answers) -> Question | None:
        proposed = self._inspection(answers).proposal.timezone
        sentence = "Documents are dated in this time zone: half past midnight can still be yesterday in UTC."
        if "timezone" in answers:
            _settings(answers)
        return _unless("timezone", answers, "time zone of the shop", sentence, default=proposed or local_zone())

    def _findings(self, answers: Answers) -> Question | None:
        found = self._inspection(answers)
        if found.proposal.empty or "findings" in answers:
            return None
        options = [
            Option("settled", "write the settings that no order contradicts"),
            Option("none", "write none of them"),
        ]
        if found.proposal.needs_a_yes:
            decided = ", ".join(found.proposal.needs_a_yes)
            options.insert(1, Option("all", f"write {decided} as well: an accountant has agreed to it"))
        text = as_toml(found.tenant, found.proposal.settings())
        return Question(
            "findings", "the places of ShipperOne's fields",
            f"The listed orders suggest these settings:\n\n{text}",
            inspection_summary(found), default="settled", options=tuple(options),
        )  # fmt: skip

    def _go_live(self, answers: Answers) -> Question | None:
        found = self._inspection(answers)
        sentence = "Were some of the listed orders already handled by hand? They must not be processed a second time."
        text = "" if not found.proposal.empty else inspection_summary(found)
        return _unless("go_live", answers, "going live", sentence, found=text, default="ask", options=GO_LIVE)

    def _write(self, answers: Answers) -> Question | None:
        found = f"This will be written to {self._file}:"
        text = self._finished(answers).text
        return _unless(WRITE, answers, "write it", text, found=found, default="yes", options=YES_NO)

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


def _unless(name: str, answers: Answers, asks: str, explains: str, **more: Any) -> Question | None:
    return None if name in answers else Question(name, asks, explains, **more)


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
