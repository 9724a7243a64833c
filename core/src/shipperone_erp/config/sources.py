"""Where secrets are kept: the environment, files, systemd's credentials."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class SecretMissing(ValueError):
    """A secret is not where the configuration says, or cannot be one. A fault of one tenant alone."""


class SecretPlaces:
    """The `SecretSource` of one file. Remembers what it handed out, so that it can be kept out of messages."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self._base = base
        self._environment = environment
        self.values: set[str] = set()
        self.files: set[Path] = set()
        """Every file that was looked for, found or not: a service looks at them again."""
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
        if not value:
            state = "empty" if name in self._environment else "not set"
            raise SecretMissing(f"the environment variable {name} is {state}")
        return value

    def _file(self, name: str) -> str:
        path = self._base / name
        value, mode = self._read(path)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            self.warnings.append(f"others may read {path}: chmod 600 {path}")
        return value

    def _credential(self, name: str) -> str:
        folder = self._environment.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise SecretMissing(
                f"the credential {name} was looked for, but CREDENTIALS_DIRECTORY is not set: systemd sets it where "
                f"the unit says LoadCredential={name}:…"
            )
        # its mode says nothing: systemd lets the service's user in by an access list, which looks like a group's right
        return self._read(Path(folder) / name)[0]

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
