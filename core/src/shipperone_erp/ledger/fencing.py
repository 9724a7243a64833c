"""The check of fencing tokens, in the transaction of each commit: writes with a stale token are rejected."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select

from shipperone_erp.domain.records import Lease
from shipperone_erp.ledger.schema import leases

FENCE = (
    select(leases.c.name, leases.c.owner, leases.c.number)
    .where(
        leases.c.name.in_(bindparam("names", expanding=True)), leases.c.owner.in_(bindparam("owners", expanding=True))
    )
    .order_by(leases.c.name)
    .with_for_update(read=True)
)
"""These leases, as far as these processes hold them; in PostgreSQL none can be taken over before this transaction has
ended. Those of others are not locked.
"""


def lost_leases(connection: Connection, held: Collection[Lease]) -> set[Lease]:
    """Those of `held` that another process has taken over; the others stay held until the transaction ends."""
    if not held:
        return set()
    asked = {"names": [lease.name for lease in held], "owners": list({lease.owner for lease in held})}
    rows = connection.execute(FENCE, asked)
    return set(held) - {Lease(row.name, row.owner, row.number) for row in rows}
