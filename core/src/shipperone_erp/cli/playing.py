"""`demo` and `sandbox`: a ShipperOne of one's own to play with."""


def demo() -> None:
    """placeholder"""


def sandbox() -> None:
    """placeholder"""
