"""Stores the secrets of a new tenant: in files of their own, an environment file, or systemd's credentials.

Each is a private file beside the TOML (mode 0600); the TOML contains only its name.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shipperone_erp.connector.secret import Secret
from shipperone_erp.connector.setup import Option
from shipperone_erp.kernel import private_files

PLACES = (
    Option("file", "one file for each, with mode 0600, named in the TOML"),
    Option("env", "environment variables, from a file that you load or systemd reads (EnvironmentFile=)"),
    Option("credential", "systemd credentials (LoadCredential=): readable by the service only"),
)


@dataclass(frozen=True)
class Kept:
    """The secrets of one tenant for one kind of place, not yet written."""

    place: str
    tenant: str
    folder: Path
    secrets: Mapping[str, Secret]

    def reference(self, name: str) -> dict[str, str]:
        """The TOML's reference to the secret."""
        names = {"env": self._variable(name), "credential": self._file(name), "file": f"secrets/{self._file(name)}"}
        return {self.place: names[self.place]}

    def environment(self) -> dict[str, str]:
        """The environment variables that are needed to resolve the references."""
        if self.place == "env":
            return {self._variable(name): secret.get_secret_value() for name, secret in self.secrets.items()}
        return {"CREDENTIALS_DIRECTORY": str(self._directory)} if self.place == "credential" else {}

    def write(self) -> list[Path]:
        """Write the files. ValueError if one already exists, or cannot hold a secret; then no file is left."""
        texts = {
            self._directory / self._file(name): secret.get_secret_value() + "\n"
            for name, secret in self.secrets.items()
        }
        if self.place == "env" and self.secrets:
            lines = [f"{self._variable(name)}={_quoted(secret)}\n" for name, secret in self.secrets.items()]
            texts = {self._env_file: "".join(lines)}
        elif texts:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        written: list[Path] = []
        try:
            for file, text in texts.items():
                with private_files.written(file, new=True) as opened:
                    written.append(file)
                    opened.write(text)
        except OSError as error:
            for file in written:
                file.unlink()
            why = "it exists already" if isinstance(error, FileExistsError) else error.strerror
            raise ValueError(f"{error.filename} cannot be written: {why}") from None
        return written

    def then(self) -> list[str]:
        """The operator's next steps, so that a process finds the secrets."""
        if not self.secrets or self.place == "file":
            return []
        if self.place == "env":
            return [f"set -a; . {shlex.quote(str(self._env_file))}; set +a"]
        units = [
            f"LoadCredential={self._file(name)}:{self._directory.absolute() / self._file(name)}"
            for name in self.secrets
        ]
        return [*units, f"export CREDENTIALS_DIRECTORY={shlex.quote(str(self._directory.absolute()))}"]

    @property
    def _directory(self) -> Path:
        return self.folder / ("credentials" if self.place == "credential" else "secrets")

    @property
    def _env_file(self) -> Path:
        return self.folder / f"{self.tenant}.env"

    def _file(self, name: str) -> str:
        return f"{self.tenant}-{name}"

    def _variable(self, name: str) -> str:
        return re.sub(r"\W", "_", f"{self.tenant}_{name}", flags=re.ASCII).upper()


def _quoted(secret: Secret) -> str:
    """The secret quoted for both a shell and systemd."""
    value = secret.get_secret_value()
    if "'" in value or "\n" in value:
        raise ValueError("a secret with a quotation mark or a line break cannot be stored in an environment file")
    return f"'{value}'"
