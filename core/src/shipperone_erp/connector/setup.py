"""The questions of a connector during the set-up of a tenant: one after another, with all answers so far."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SkipValidation
from pydantic.dataclasses import dataclass

from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.order import VALUE


@dataclass(frozen=True, config=VALUE)
class Option:
    """One of the answers that a question offers. `says`: its meaning, in a few words."""

    value: str
    says: str = ""


@dataclass(frozen=True, config=VALUE)
class Question:
    """One question of `Connector.setup`, asked on a terminal or answered by `--set NAME=VALUE`.

    `asks` is the line before the answer, `explains` a sentence above it, `found` the findings from the answers so far
    (the server answers, it has two warehouses). Without a `default` an answer is needed; a default of "" allows leaving
    it out. With `options` one of them is chosen, with `free` anything else is allowed too. A `secret` is typed unseen,
    stored where the operator chooses, and reaches `Setup.answers` as a `Secret`.
    """

    name: str
    asks: str
    explains: str = ""
    found: str = ""
    default: str | None = None
    options: tuple[Option, ...] = ()
    free: bool = False
    secret: bool = False


@dataclass(frozen=True, config=VALUE)
class Setup:
    """The state of a tenant's set-up.

    Its name, the folder of its TOML, ShipperOne's warehouse codes, and the answers so far by the names of their
    questions, in the order in which they were given.
    """

    tenant: str
    folder: Path
    warehouses: tuple[str, ...] = ()
    answers: SkipValidation[Mapping[str, Secret | str]] = Field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The answer to that question; None where it was not asked yet, or was left empty."""
        answer = self.answers.get(name)
        return answer or None if isinstance(answer, str) else None

    def secret(self, name: str) -> Secret | None:
        """The secret that answers that question; None where there is none yet."""
        answer = self.answers.get(name)
        return answer if isinstance(answer, Secret) and answer.get_secret_value() else None


@dataclass(frozen=True, config=VALUE)
class SetupDone:
    """The settings from the answers: the connector's own table.

    A `Secret` in `settings` is written as the reference to its place of storage. `toml` replaces `settings` where
    comments and statements must be kept unchanged: whole tables, such as `[[tenants.NAME.CONNECTOR.reserve]]`; in it
    `"secret:NAME"` is replaced by the secret that answers NAME. `then`: the remaining tasks of the operator, a line
    each.
    """

    settings: Mapping[str, Any] = Field(default_factory=dict)
    toml: str = ""
    then: tuple[str, ...] = ()


__all__ = ["Option", "Question", "Setup", "SetupDone"]
