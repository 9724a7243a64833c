"""`connectors new`: a complete package of a connector, from the template beside this module."""

from shipperone_erp.scaffold.generator import Made, make

__all__ = ["Made", "make"]
