"""The fleet's part of the ledger's database: workers, groups of tenants, refusals. PostgreSQL only.

Every method is one short transaction on the database's clock; it blocks, and may be called from any thread.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from shipperone_erp.domain.fleet_records import Beat, MemberRecord, Refusal, WorkerRecord
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.ledger.database import Database
from shipperone_erp.ledger.errors import sentences
from shipperone_erp.ledger.fleet_tables import APPLIED, SCHEMA

LOCK = 7_255_011_873_421
"""The advisory lock under which tables are created and changed."""

FORGET = "1 day"
"""The time after which a worker that died without unregistering is no longer listed."""

_LIVES = "seen_at > now() - make_interval(secs => :stalled)"
_BUMP = "UPDATE revision SET number = number + 1"


class FleetStore:
    """One for a process; made by `Ledger.fleet`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(
        self,
        files: Sequence[tuple[str, str]],
        *,
        version: str,
        held_back: Collection[str] = (),
        covers: Collection[str] = (),
    ) -> list[str]:
        """Run the files that were not run yet, each in a transaction of its own; returns their names.

        The first file includes the changes of those that it `covers`; they are recorded with it. One process does it at
        a time. Files in `held_back` wait while a worker with an earlier engine than `version` lives; LedgerError if
        another file comes after one that waits.
        """
        done = []
        with self._session() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
            connection.commit()
            try:
                _run(connection, APPLIED)
                known = set(connection.execute(text(f"SELECT file FROM {SCHEMA}.applied")).scalars())
                earlier = _earlier(connection, version) if held_back else []
                connection.commit()
                waiting = None
                for name, script in files:
                    if name in known:
                        continue
                    if name in held_back and earlier:
                        waiting = name
                        continue
                    if waiting is not None:
                        raise LedgerError(
                            f"the tables of the fleet cannot be brought to this version while {' and '.join(earlier)} "
                            "run(s) an earlier one: stop those first, or upgrade one version after another",
                            exit_code=78,
                        )
                    _run(connection, script)
                    for recorded in (name, *(covers if name == files[0][0] else ())):
                        connection.execute(
                            text(f"INSERT INTO {SCHEMA}.applied (file, version) VALUES (:file, :version)"),
                            {"file": recorded, "version": version},
                        )
                    connection.commit()
                    done.append(name)
            finally:
                connection.rollback()
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
                connection.commit()
        return done

    def exists(self) -> bool:
        """This database has a fleet's tables."""
        with self._turn() as connection:
            found = connection.execute(text(f"SELECT to_regclass('{SCHEMA}.limits')")).scalar()
        return found is not None

    def register(self, worker: Mapping[str, Any]) -> None:
        """Register a started worker; remove the rows of those that died long ago."""
        with self._turn() as connection:
            connection.execute(text(f"DELETE FROM workers WHERE seen_at < now() - interval '{FORGET}'"))
            connection.execute(text("DELETE FROM hand_out_counts WHERE worker NOT IN (SELECT id FROM workers)"))
            connection.execute(
                text(
                    "INSERT INTO workers (id, name, host, pid, version, engine) "
                    "VALUES (:id, :name, :host, :pid, :version, :engine) ON CONFLICT (id) DO NOTHING"
                ),
                dict(worker),
            )

    def unregister(self, worker: str) -> None:
        """Remove a worker that has ended and serves no group."""
        with self._turn() as connection:
            connection.execute(text("UPDATE hand_outs SET worker = NULL WHERE worker = :id"), {"id": worker})
            connection.execute(text("DELETE FROM workers WHERE id = :id"), {"id": worker})

    def beat(self, worker: str, engine_id: int, held: Collection[int], *, slots: int, stalled: float) -> Beat:
        """Renew this worker's heartbeats, in the fleet and in its engine; `held` are the jobs that it works on."""
        with self._turn() as connection:
            row = connection.execute(
                text(
                    "UPDATE workers SET seen_at = now(), slots = :slots, engine_id = :engine WHERE id = :id "
                    "RETURNING draining"
                ),
                {"id": worker, "slots": slots, "engine": engine_id},
            ).one_or_none()
            in_engine = connection.execute(
                text("UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = :engine RETURNING id"),
                {"engine": engine_id},
            ).one_or_none()
            found = connection.execute(
                text(
                    f"SELECT (SELECT count(*) FROM workers WHERE NOT draining AND {_LIVES}) AS live, "
                    "(SELECT count(DISTINCT grp) FROM tenants) AS groups, (SELECT number FROM revision) AS revision"
                ),
                {"stalled": stalled},
            ).one()
            alive = connection.execute(
                text(
                    "SELECT id FROM procrastinate_jobs WHERE id = ANY(:held) AND status = 'doing' "
                    "AND worker_id = :engine"
                ),
                {"held": list(held), "engine": engine_id},
            ).scalars()
            return Beat(
                known=row is not None and in_engine is not None,
                draining=bool(row and row.draining),
                live=found.live,
                groups=found.groups,
                revision=found.revision,
                held=frozenset(alive),
            )

    def add(self, tenants: Mapping[str, tuple[str, str]]) -> int:
        """Add the tenants that no worker has added yet, each with its group and digest; returns their number."""
        with self._turn() as connection:
            added = connection.execute(
                text(
                    "INSERT INTO tenants (name, grp, digest) SELECT * FROM unnest(CAST(:names AS text[]), "
                    "CAST(:groups AS text[]), CAST(:digests AS text[])) ON CONFLICT DO NOTHING"
                ),
                {
                    "names": list(tenants),
                    "groups": [group for group, _ in tenants.values()],
                    "digests": [digest for _, digest in tenants.values()],
                },
            ).rowcount
            if added:
                connection.execute(text(_BUMP))
            return int(added)

    def digests(self) -> dict[str, str]:
        """The digest of the configuration of each tenant in the fleet."""
        with self._turn() as connection:
            rows = connection.execute(text("SELECT name, digest FROM tenants")).all()
        return {row.name: row.digest for row in rows}

    def members(self, groups: Collection[str]) -> dict[str, str]:
        """The tenants of these groups, each with its group."""
        with self._turn() as connection:
            rows = connection.execute(
                text("SELECT name, grp FROM tenants WHERE grp = ANY(:groups)"), {"groups": list(groups)}
            ).all()
        return {row.name: row.grp for row in rows}

    def refuse(self, worker: str, refusals: Collection[Refusal], *, stalled: float) -> int:
        """Replace this worker's refusals.

        Where every live worker has the same other configuration of a tenant, the fleet adopts it; where none names the
        tenant any more, the fleet removes it. Returns the number of tenants changed.
        """
        with self._turn() as connection:
            connection.execute(text("DELETE FROM refusals WHERE worker = :id"), {"id": worker})
            for one in refusals:
                connection.execute(
                    text(
                        "INSERT INTO refusals (worker, tenant, digest, sentence) "
                        "SELECT :id, :tenant, :digest, :sentence WHERE EXISTS (SELECT 1 FROM workers WHERE id = :id)"
                    ),
                    {"id": worker, "tenant": one.tenant, "digest": one.digest, "sentence": one.sentence},
                )
            agreed = (
                "FROM refusals mine WHERE mine.worker = :id AND mine.tenant = tenants.name "
                "AND mine.digest IS DISTINCT FROM tenants.digest "
                f"AND NOT EXISTS (SELECT 1 FROM workers WHERE {_LIVES} AND NOT EXISTS ("
                "SELECT 1 FROM refusals theirs WHERE theirs.worker = workers.id AND theirs.tenant = tenants.name "
                "AND theirs.digest IS NOT DISTINCT FROM mine.digest))"
            )
            values = {"id": worker, "stalled": stalled}
            taken = connection.execute(
                text(f"UPDATE tenants SET digest = mine.digest, since = now() {agreed} AND mine.digest IS NOT NULL"),
                values,
            ).rowcount
            dropped = connection.execute(
                text(f"DELETE FROM tenants USING {agreed.removeprefix('FROM ')} AND mine.digest IS NULL"), values
            ).rowcount
            if taken or dropped:
                connection.execute(text(_BUMP))
            return int(taken + dropped)

    def part(self, tenant: str, *, refused_by: str | None = None, stalled: float = 0.0) -> bool:
        """Give the tenant a group of its own; with `refused_by`, only if another live worker does not refuse it."""
        own = "UPDATE tenants SET grp = 'tenant:' || name WHERE name = :tenant AND grp <> 'tenant:' || name"
        if refused_by is not None:
            own += (
                f" AND EXISTS (SELECT 1 FROM workers WHERE {_LIVES} AND id <> :worker AND NOT EXISTS ("
                "SELECT 1 FROM refusals WHERE refusals.worker = workers.id AND refusals.tenant = :tenant))"
            )
        with self._turn() as connection:
            parted = connection.execute(
                text(own), {"tenant": tenant, "worker": refused_by, "stalled": stalled}
            ).rowcount
            if parted:
                connection.execute(text(_BUMP))
            return bool(parted)

    def without_hand_out(self) -> list[str]:
        """Groups without a job of the engine, neither waiting nor handed out."""
        with self._turn() as connection:
            rows = connection.execute(
                text(
                    "SELECT DISTINCT grp FROM tenants WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs "
                    "WHERE procrastinate_jobs.lock = tenants.grp AND status IN ('todo', 'doing'))"
                )
            )
            return list(rows.scalars())

    def handed_out(self, group: str, worker: str) -> None:
        """Assign the group to this worker."""
        with self._turn() as connection:
            connection.execute(
                text(
                    "INSERT INTO hand_outs (grp, worker) VALUES (:grp, :id) "
                    "ON CONFLICT (grp) DO UPDATE SET worker = :id, since = now()"
                ),
                {"grp": group, "id": worker},
            )
            connection.execute(
                text(
                    "INSERT INTO hand_out_counts (worker, count) VALUES (:id, 1) "
                    "ON CONFLICT (worker) DO UPDATE SET count = hand_out_counts.count + 1"
                ),
                {"id": worker},
            )

    def handed_back(self, group: str, worker: str) -> None:
        """Free the group, if it was still this worker's."""
        with self._turn() as connection:
            connection.execute(
                text("UPDATE hand_outs SET worker = NULL, since = now() WHERE grp = :grp AND worker = :id"),
                {"grp": group, "id": worker},
            )

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

    def drain(self, name: str, *, stalled: float) -> int:
        """Drain the live workers of that name: they give up their groups and take none; returns their number."""
        with self._turn() as connection:
            found = connection.execute(
                text(f"UPDATE workers SET draining = true WHERE name = :name AND {_LIVES}"),
                {"name": name, "stalled": stalled},
            )
            return int(found.rowcount)

    def workers(self, *, stalled: float) -> list[WorkerRecord]:
        """Every worker that lives, or died within a day without unregistering."""
        with self._turn() as connection:
            rows = connection.execute(
                text(
                    "SELECT id, name, host, pid, version, started_at, seen_at, draining, slots, "
                    f"{_LIVES} AS lives, "
                    "ARRAY(SELECT grp FROM hand_outs WHERE worker = workers.id ORDER BY grp) AS groups, "
                    "(SELECT count(*) FROM tenants JOIN hand_outs USING (grp) WHERE worker = workers.id) AS tenants, "
                    "COALESCE((SELECT count FROM hand_out_counts WHERE worker = workers.id), 0) AS hand_outs "
                    "FROM workers ORDER BY name, started_at"
                ),
                {"stalled": stalled},
            ).all()
        return [WorkerRecord(**{**row._mapping, "groups": tuple(row.groups)}) for row in rows]

    def refusals(self) -> dict[str, list[Refusal]]:
        """Each worker's refusals, by the worker's id."""
        with self._turn() as connection:
            rows = connection.execute(
                text("SELECT worker, tenant, digest, sentence FROM refusals ORDER BY worker, tenant")
            ).all()
        found: dict[str, list[Refusal]] = {}
        for row in rows:
            found.setdefault(row.worker, []).append(Refusal(row.tenant, row.digest, row.sentence))
        return found

    def tenants(self, *, stalled: float) -> list[MemberRecord]:
        """Every tenant of the fleet, by name."""
        with self._turn() as connection:
            rows = connection.execute(
                text(
                    "SELECT tenants.name AS tenant, grp AS group, digest, workers.name AS worker "
                    "FROM tenants LEFT JOIN hand_outs USING (grp) LEFT JOIN workers ON workers.id = hand_outs.worker "
                    "ORDER BY tenants.name"
                )
            ).all()
            refusals = connection.execute(
                text(
                    "SELECT tenant, name, sentence FROM refusals JOIN workers ON workers.id = refusals.worker "
                    f"WHERE {_LIVES} ORDER BY tenant, name"
                ),
                {"stalled": stalled},
            ).all()
        refused: dict[str, list[str]] = {}
        for one in refusals:
            refused.setdefault(one.tenant, []).append(f"worker {one.name}: {one.sentence}")
        return [MemberRecord(**row._mapping, refused=tuple(refused.get(row.tenant, ()))) for row in rows]

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        """One transaction in the fleet's schema."""
        with self._session() as connection:
            connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
            yield connection
            connection.commit()

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        with sentences(self._database.place, self._database.hidden), self._database.writing.connect() as connection:
            yield connection


def _run(connection: Connection, script: str) -> None:
    """Run the statements of a file at once, in the fleet's schema; the caller commits."""
    connection.execute(text(f"SELECT set_config('search_path', '{SCHEMA}', true)"))
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(script)
    except Exception as error:  # the driver's own exception, which SQLAlchemy does not wrap here
        message = getattr(getattr(error, "diag", None), "message_primary", None) or type(error).__name__
        raise LedgerError(f"the tables of the fleet cannot be made: {message}", exit_code=78) from None


def _earlier(connection: Connection, version: str) -> list[str]:
    """The live workers that run an earlier engine."""
    if connection.execute(text(f"SELECT to_regclass('{SCHEMA}.workers')")).scalar() is None:
        return []
    rows = connection.execute(
        text(f"SELECT name, engine FROM {SCHEMA}.workers WHERE seen_at > now() - interval '2 minutes'")
    ).all()
    return [row.name for row in rows if _numbers(row.engine) < _numbers(version)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
