"""Secrets: values that are read from their place of storage and never shown.

A secret in TOML is a reference, `{ env = "NAME" }`, `{ file = "path" }` or `{ credential = "name" }` (systemd), or a
plain string, which works but causes a warning. The reference is resolved while the settings are validated, so that a
settings model only ever holds the value itself, hidden.
"""

from typing import Any, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class SecretSource(Protocol):
    """Resolves references to secrets. Passed to pydantic as `context={"secrets": source}`."""

    def resolve(self, reference: dict[str, Any]) -> str:
        """The value, without a trailing newline. ValueError names the place, never its content."""


class Secret(SecretStr):
    """A `SecretStr` that may be written as a reference: its repr, str and JSON are asterisks."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        def fetch(value: Any, details: core_schema.ValidationInfo) -> "Secret":
            if isinstance(value, SecretStr):
                return Secret(value.get_secret_value())
            if isinstance(value, dict):
                secrets: SecretSource | None = (details.context or {}).get("secrets")
                if secrets is None:
                    raise ValueError("a reference to a secret is resolved only while a configuration is loaded")
                return Secret(secrets.resolve(value))
            if isinstance(value, str):
                return Secret(value)
            raise ValueError('write { env = "NAME" }, { file = "path" } or { credential = "name" }')

        return core_schema.with_info_plain_validator_function(
            fetch, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        def reference(key: str, description: str) -> dict[str, Any]:
            return {
                "type": "object",
                "properties": {key: {"type": "string", "description": description}},
                "required": [key],
                "additionalProperties": False,
            }

        return {
            "description": "A secret: preferably a reference; a plain string works, with a warning.",
            "anyOf": [
                reference("env", "the environment variable that holds it"),
                reference("file", "the file that holds it, relative to the TOML that names it"),
                reference("credential", "the systemd credential that holds it"),
                {"type": "string"},
            ],
        }
