"""The fleet's part of the ledger's database: workers, groups of tenants, refusals. PostgreSQL only.

Every method is one short transaction on the database's clock; it blocks, and may be called from any thread.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import text

from shipperone_erp.domain.fleet_records import Beat, MemberRecord, Refusal, WorkerRecord
from shipperone_erp.ledger.fleet_limits import FleetLimits

FORGET = "1 day"
"""The time after which a worker that died without unregistering is no longer listed."""

_LIVES = "seen_at > now() - make_interval(secs => :stalled)"
_BUMP = "UPDATE revision SET number = number + 1"


class FleetStore(FleetLimits):
    """One for a process; made by `Ledger.fleet`."""

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
        return {row.name: row.digest for row in self._rows("SELECT name, digest FROM tenants")}

    def members(self, groups: Collection[str]) -> dict[str, str]:
        """The tenants of these groups, each with its group."""
        rows = self._rows("SELECT name, grp FROM tenants WHERE grp = ANY(:groups)", groups=list(groups))
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
        rows = self._rows(
            "SELECT DISTINCT grp FROM tenants WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs "
            "WHERE procrastinate_jobs.lock = tenants.grp AND status IN ('todo', 'doing'))"
        )
        return [row.grp for row in rows]

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
        self._changed(
            "UPDATE hand_outs SET worker = NULL, since = now() WHERE grp = :grp AND worker = :id", grp=group, id=worker
        )

    def drain(self, name: str, *, stalled: float) -> int:
        """Drain the live workers of that name: they give up their groups and take none; returns their number."""
        sql = f"UPDATE workers SET draining = true WHERE name = :name AND {_LIVES}"
        return self._changed(sql, name=name, stalled=stalled)

    def workers(self, *, stalled: float) -> list[WorkerRecord]:
        """Every worker that lives, or died within a day without unregistering."""
        rows = self._rows(
            f"SELECT id, name, host, pid, version, started_at, seen_at, draining, slots, {_LIVES} AS lives, "
            "ARRAY(SELECT grp FROM hand_outs WHERE worker = workers.id ORDER BY grp) AS groups, "
            "(SELECT count(*) FROM tenants JOIN hand_outs USING (grp) WHERE worker = workers.id) AS tenants, "
            "COALESCE((SELECT count FROM hand_out_counts WHERE worker = workers.id), 0) AS hand_outs "
            "FROM workers ORDER BY name, started_at",
            stalled=stalled,
        )
        return [WorkerRecord(**{**row._mapping, "groups": tuple(row.groups)}) for row in rows]

    def refusals(self) -> dict[str, list[Refusal]]:
        """Each worker's refusals, by the worker's id."""
        found: dict[str, list[Refusal]] = {}
        for row in self._rows("SELECT worker, tenant, digest, sentence FROM refusals ORDER BY worker, tenant"):
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
