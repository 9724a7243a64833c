"""Limits that the workers of a fleet share: token buckets and silences, on the database's clock."""

from sqlalchemy import text

from shipperone_erp.ledger.fleet_database import FleetDatabase


class FleetLimits(FleetDatabase):
    """Token buckets by name (an instance of ShipperOne, an ERP), and the silences that these requested."""

    def take(self, name: str, rate: float, most: int) -> tuple[int, float]:
        """Up to `most` tokens of that bucket, which is filled at `rate` a second; and the seconds for which it is
        blocked.
        """
        with self._turn() as connection:
            connection.execute(
                text(
                    "INSERT INTO limits (name, tokens, refilled_at) VALUES (:name, :full, clock_timestamp()) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"name": name, "full": max(rate, 1.0)},
            )
            row = connection.execute(
                text(
                    "WITH held AS (SELECT name AS held_name, clock_timestamp() AS at, "
                    "LEAST(:full, tokens + GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - refilled_at)) * :rate) "
                    "AS have, quiet_until > clock_timestamp() AS quiet FROM limits WHERE name = :name FOR UPDATE), "
                    "given AS (SELECT *, CASE WHEN quiet THEN 0 ELSE LEAST(:most, FLOOR(have)) END AS part FROM held) "
                    "UPDATE limits SET tokens = given.have - given.part, refilled_at = given.at FROM given "
                    "WHERE name = given.held_name RETURNING given.part AS part, "
                    "CASE WHEN given.quiet THEN EXTRACT(EPOCH FROM quiet_until - given.at) ELSE 0 END AS quiet"
                ),
                {"name": name, "rate": rate, "most": most, "full": max(rate, 1.0)},
            ).one()
            return int(row.part), float(row.quiet)

    def silence(self, name: str, seconds: float) -> None:
        """Block the name for that many seconds; a longer block is kept."""
        with self._turn() as connection:
            connection.execute(
                text(
                    "INSERT INTO limits (name, tokens, refilled_at, quiet_until) "
                    "VALUES (:name, 0, clock_timestamp(), clock_timestamp() + make_interval(secs => :seconds)) "
                    "ON CONFLICT (name) DO UPDATE SET quiet_until = GREATEST(limits.quiet_until, excluded.quiet_until)"
                ),
                {"name": name, "seconds": seconds},
            )

    def silences(self) -> list[tuple[str, float]]:
        """The names that are blocked now, and the remaining seconds."""
        with self._turn() as connection:
            rows = connection.execute(
                text(
                    "SELECT name, EXTRACT(EPOCH FROM quiet_until - clock_timestamp()) AS seconds FROM limits "
                    "WHERE quiet_until > clock_timestamp()"
                )
            ).all()
        return [(row.name, float(row.seconds)) for row in rows]
