"""A local ShipperOne over real HTTP, with switches for faults. One line in a test:

with Sandbox() as sandbox:
    sandbox.add(order)
"""

from shipperone_erp.sandbox.faults import Fault, Faults
from shipperone_erp.sandbox.orders import Replayed, SandboxItem, SandboxOrder, generate
from shipperone_erp.sandbox.scenarios import SCENARIOS, order_of
from shipperone_erp.sandbox.server import Post, Sandbox
from shipperone_erp.sandbox.standalone import serve

__all__ = [
    "SCENARIOS", "Fault", "Faults", "Post", "Replayed", "Sandbox", "SandboxItem", "SandboxOrder", "generate",
    "order_of", "serve",
]  # fmt: skip
