"""The tables of a fleet, in a separate schema beside the ledger's on PostgreSQL, and the files that create them.

The scheduling engine's tables are in the same schema; `applied` records every file of either that was run.
"""

SCHEMA = "shipperone_erp_fleet"

APPLIED = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.applied (
    file text PRIMARY KEY,
    version text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
"""

OWN_FILES = (
    (
        "fleet_0001_workers.sql",
        """
CREATE TABLE workers (
    id text PRIMARY KEY,
    name text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    engine text NOT NULL,
    engine_id bigint,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    draining boolean NOT NULL DEFAULT false,
    slots integer NOT NULL DEFAULT 0
);
CREATE TABLE tenants (
    name text PRIMARY KEY,
    grp text NOT NULL,
    digest text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tenants_group ON tenants (grp);
CREATE TABLE hand_outs (
    grp text PRIMARY KEY,
    worker text,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE hand_out_counts (
    worker text PRIMARY KEY,
    count bigint NOT NULL DEFAULT 0
);
CREATE TABLE refusals (
    worker text NOT NULL REFERENCES workers (id) ON DELETE CASCADE,
    tenant text NOT NULL,
    digest text,
    sentence text NOT NULL,
    PRIMARY KEY (worker, tenant)
);
CREATE TABLE revision (number bigint NOT NULL);
INSERT INTO revision VALUES (1);
CREATE TABLE limits (
    name text PRIMARY KEY,
    tokens double precision NOT NULL,
    refilled_at timestamptz NOT NULL,
    quiet_until timestamptz NOT NULL DEFAULT '-infinity'
);
""",
    ),
)
"""Name and text of each of these files, in order; a published one is never changed."""
