"""What a connector asks while a tenant is set up: one question after another, each with the answers so far in hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SkipValidation
from pydantic.dataclasses import dataclass

from shipperone_erp.connector.secret import Secret
from shipperone_erp.domain.order import VALUE


@dataclass(frozen=True, config=VALUE)
class Option:
    """One of the answers that a question offers. `says`: what it stands for, in a few words."""

    value: str
    says: str = ""


@dataclass(frozen=True, config=VALUE)
class Question:
    """One question of `Connector.setup`, asked on a terminal or answered by `--set NAME=VALUE`.

    `asks` is the line before the answer, `explains` a sentence above it, `found` what looking at the answers so far has
    brought (the server answers, it has two warehouses). Without a `default` an answer is needed; a default of "" lets
    it be left out. With `options` one of them is taken, with `free` anything else as well. A `secret` is typed
    unseen, kept where the operator chooses, and reaches `Setup.answers` as a `Secret`.
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
    """What is known while a tenant is set up: its name, the folder of its TOML, ShipperOne's warehouse codes, and the
    answers so far by the names of their questions, in the sequence in which they were given."""

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
    """The settings that the answers make: the connector's own table.

    A `Secret` in `settings` is written as the reference to where it is kept. `toml` takes the place of `settings` where
    comments and statements are to be kept as they are: whole tables, such as `[[tenants.NAME.CONNECTOR.reserve]]`; in
    it `"secret:NAME"` stands for the secret that answers NAME. `then`: what is left for an operator to do, a line each.
    """

    settings: Mapping[str, Any] = Field(default_factory=dict)
    toml: str = ""
    then: tuple[str, ...] = ()


__all__ = ["Option", "Question", "Setup", "SetupDone"]
