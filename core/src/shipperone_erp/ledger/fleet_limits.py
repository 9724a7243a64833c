"""Limits that the workers of a fleet share: token buckets and silences, on the database's clock."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from shipperone_erp.ledger.fleet_database import FleetDatabase
from shipperone_erp.ledger.fleet_tables import SCHEMA

WANTED = "unnest(CAST(:names AS text[]), CAST(:rates AS float8[]), CAST(:most AS int[])) AS wanted (name, rate, most)"

FIRST = f"""
INSERT INTO {SCHEMA}.limits (name, tokens, refilled_at)
SELECT name, GREATEST(rate, 1), clock_timestamp() FROM {WANTED} ON CONFLICT DO NOTHING
"""

# The rows are locked in the order of their names, so that two workers never wait for each other, and the time is read
# once they are locked: an earlier one would fill the bucket twice for the same span.
TAKE = f"""
WITH held AS (
    SELECT limits.*, rate, most, GREATEST(rate, 1) AS size FROM {SCHEMA}.limits JOIN {WANTED} USING (name)
    ORDER BY name FOR UPDATE OF limits
), timed AS (
    SELECT held.*, GREATEST(clock_timestamp(), refilled_at) AS at FROM held
), filled AS (
    SELECT *, LEAST(size, tokens + EXTRACT(EPOCH FROM at - refilled_at) * rate) AS have, quiet_until > at AS quiet
    FROM timed
), given AS (
    SELECT *, CASE WHEN quiet THEN 0 ELSE LEAST(most, FLOOR(have)) END AS part FROM filled
)
UPDATE {SCHEMA}.limits SET tokens = given.have - given.part, refilled_at = given.at FROM given
WHERE limits.name = given.name
RETURNING given.name AS name, given.part AS part,
    CASE WHEN given.quiet THEN EXTRACT(EPOCH FROM given.quiet_until - given.at) ELSE 0 END AS quiet
"""


class FleetLimits(FleetDatabase):
    """Token buckets by name (an instance of ShipperOne, an ERP), and the silences that these requested."""

    def take(self, wanted: Mapping[str, tuple[float, int]]) -> dict[str, tuple[int, float]]:
        """For each name, whose bucket is filled at that rate a second: up to so many tokens, and the seconds for which
        it is blocked. One statement, which commits by itself.
        """
        with self._session() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            given = _taken(connection, wanted)
            if missing := {name: wanted[name] for name in wanted if name not in given}:
                connection.execute(text(FIRST), _columns(missing))
                given |= _taken(connection, missing)
        return given

    def silence(self, name: str, seconds: float) -> None:
        """Block the name for that many seconds; a longer block is kept."""
        self._changed(
            "INSERT INTO limits (name, tokens, refilled_at, quiet_until) "
            "VALUES (:name, 0, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds)) "
            "ON CONFLICT (name) DO UPDATE SET quiet_until = GREATEST(limits.quiet_until, excluded.quiet_until)",
            name=name,
            seconds=seconds,
        )

    def silences(self) -> list[tuple[str, float]]:
        """The names that are blocked now, and the remaining seconds."""
        rows = self._rows(
            "SELECT name, EXTRACT(EPOCH FROM quiet_until - clock_timestamp()) AS seconds FROM limits "
            "WHERE quiet_until > clock_timestamp()"
        )
        return [(row.name, float(row.seconds)) for row in rows]


def _taken(connection: Connection, wanted: Mapping[str, tuple[float, int]]) -> dict[str, tuple[int, float]]:
    return {row.name: (int(row.part), float(row.quiet)) for row in connection.execute(text(TAKE), _columns(wanted))}


def _columns(wanted: Mapping[str, tuple[float, int]]) -> dict[str, Any]:
    return {
        "names": list(wanted),
        "rates": [rate for rate, _ in wanted.values()],
        "most": [most for _, most in wanted.values()],
    }
