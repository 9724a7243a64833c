"""The places of secrets: the environment, files, systemd's credentials."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class SecretMissing(ValueError):
    """A secret is not at the configured place, or its value is not usable. An error of one tenant alone."""


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GENERATED = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}|[A-Za-z0-9]{28,}")
"""Matches generated text: letters mixed with digits, or a sequence longer than a word of a name."""
_HEX = re.compile(r"[0-9A-Fa-f-]{20,}")


def looks_like_a_secret(name: str) -> bool:
    """Whether a text in the place of a name looks like the secret itself, since no name has that form."""
    return bool(_GENERATED.search(name) or _HEX.fullmatch(name))


def named_variable(name: str) -> str:
    """'the environment variable NAME', without the name if that may itself be a secret."""
    shown = _VARIABLE.fullmatch(name) and not looks_like_a_secret(name)
    return f"the environment variable {name}" if shown else "the environment variable (its name is not shown)"


class SecretPlaces:
    """The `SecretSource` of one file. It records the values that it returned, so that messages can be redacted."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self._base = base
        self._environment = environment
        self.values: set[str] = set()
        self.files: set[Path] = set()
        """Every file that was read or is missing; a service checks them again for changes."""
        self.warnings: list[str] = []

    def resolve(self, reference: dict[str, Any]) -> str:
        """See `secrets.SecretSource`."""
        if len(reference) != 1 or next(iter(reference)) not in ("env", "file", "credential"):
            raise ValueError('write { env = "NAME" }, { file = "path" } or { credential = "name" }')
        ((kind, name),) = reference.items()
        if not isinstance(name, str) or not name:
            raise ValueError(f"{kind} must be a text")
        value = {"env": self._variable, "file": self._file, "credential": self._credential}[kind](name)
        self.values.add(value)
        return value

    def _variable(self, name: str) -> str:
        value = self._environment.get(name, "").strip()
        if not value and (not _VARIABLE.fullmatch(name) or looks_like_a_secret(name)):
            raise self._pasted(name, "env", "existing environment variable", "the variable")
        if not value:
            state = "empty" if name in self._environment else "not set"
            raise SecretMissing(f"the environment variable {name} is {state}")
        return value

    def _file(self, name: str) -> str:
        path = self._base / name
        if looks_like_a_secret(name) and not Path(name).is_absolute() and not path.exists():
            raise self._pasted(name, "file", "existing file", "the file")
        value, mode = self._read(path)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            self.warnings.append(f"other users can read {path}: chmod 600 {path}")
        return value

    def _credential(self, name: str) -> str:
        folder = self._environment.get("CREDENTIALS_DIRECTORY")
        if looks_like_a_secret(name) and not (folder and (Path(folder) / name).exists()):
            raise self._pasted(name, "credential", "existing credential", "the credential")
        if not folder:
            raise SecretMissing(
                f"the credential {name} was looked for, but CREDENTIALS_DIRECTORY is not set: systemd sets it where "
                f"the unit has LoadCredential={name}:…"
            )
        # its mode is not checked: systemd gives the service's user access by an ACL, which looks like a group's right
        return self._read(Path(folder) / name)[0]

    def _pasted(self, secret: str, kind: str, what: str, into: str) -> SecretMissing:
        """The error for a secret written in place of a name. The secret is recorded, to be redacted everywhere."""
        self.values.add(secret)
        return SecretMissing(
            f"{{ {kind} = … }} names no {what}. Its text looks like the secret itself, so it is not shown: the secret "
            f"belongs in {into}, and the name of {into} here"
        )

    def _read(self, path: Path) -> tuple[str, int]:
        self.files.add(path)
        try:
            value = path.read_text(encoding="utf-8").strip()
            mode = path.stat().st_mode
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a text"
            raise SecretMissing(f"the file {path} cannot be read ({why})") from None
        if not value:
            raise SecretMissing(f"the file {path} is empty")
        return value, mode
