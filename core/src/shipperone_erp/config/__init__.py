"""The one TOML file: its settings, its loader (which reports every problem at once), its display, its schema."""

from shipperone_erp.config.effective_configuration import show
from shipperone_erp.config.json_schema import schema
from shipperone_erp.config.loading import load
from shipperone_erp.config.settings import Configuration, RuntimeSettings, TenantSettings
from shipperone_erp.config.template import template
from shipperone_erp.kernel.durations import parse_duration

__all__ = [
    "Configuration",
    "RuntimeSettings",
    "TenantSettings",
    "load",
    "parse_duration",
    "schema",
    "show",
    "template",
]
