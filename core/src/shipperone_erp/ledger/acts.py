"""What people do to a ledger beside its jobs: pausing and resuming. Each function is a part of a transaction."""

from sqlalchemy import Connection, delete, insert

from shipperone_erp.ledger.records import Pause
from shipperone_erp.ledger.schema import pauses


def pause(connection: Connection, pause: Pause) -> None:
    """The stage rests from now on; a pause that is there already is replaced."""
    resume(connection, pause)
    connection.execute(insert(pauses).values(**{name: getattr(pause, name) for name in pauses.c.keys()}))  # noqa: SIM118


def resume(connection: Connection, pause: Pause) -> bool:
    """The stage goes on; False if it was not paused."""
    found = delete(pauses).where(pauses.c.tenant == pause.tenant, pauses.c.stage == pause.stage)
    return connection.execute(found).rowcount > 0
