"""The ledger's tables. Columns are named as the fields of the values in `domain.job` and `domain.records`."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import ENDED as ENDED_STATES
from shipperone_erp.domain.states import EffectKind, Outcome, Stage, State, Step
from shipperone_erp.ledger.column_types import (
    Credits,
    Differences,
    FreeText,
    JsonTuple,
    RowId,
    UtcTime,
    Word,
)

REVISION = "0015"
"""The newest migration. They are numbered, so that a ledger of a later version is recognised."""

VERSION_TABLE = "ledger_schema"

ONE_OPEN = "jobs_one_open"

_ENDED_WORDS = ", ".join(f"'{state}'" for state in ENDED_STATES)
UNFINISHED = text(f"state NOT IN ({_ENDED_WORDS})")
UNCONFIRMED = text("state IN ('gone', 'superseded')")
WITH_BODIES = text(f"erased_at IS NULL AND state IN ({_ENDED_WORDS}, 'ignored')")
WITH_ERRORS = text("outcome <> 'ok' AND answer IS NOT NULL")
"""As text, without parameters: a partial index only serves a query whose condition the planner can recognise."""

NUMBERED = text("number IS NOT NULL")
OF_SALES_ORDER = text("order_number IS NOT NULL")

ALLOCATED = text("jobs.stage = 'allocation' AND jobs.state = 'done'")
"""Reservations confirmed to ShipperOne; as text for the same reason."""
NOT_COMPARED = text("NOT compared")
TAX_NOT_COMPARED = text("NOT tax_compared")

DISPROVED = text("inferred AND refusal IS NOT NULL")
"""ShipperOne denied the confirmation, but its queue showed that it had accepted it."""

ENDED = text(f"state IN ({_ENDED_WORDS})")

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("tenant", String(200), nullable=False),
    Column("stage", Word(Stage), nullable=False),
    Column("order_id", Text, nullable=False),
    Column("key", String(64), nullable=False),
    Column("content", String(64), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("order_json", FreeText, nullable=False),
    Column("item_ids", JsonTuple(), nullable=False),
    Column("open", Boolean, nullable=False),
    Column("state", Word(State), nullable=False),
    Column("step", Word(Step), nullable=False),
    Column("reason", Word(Reason)),
    Column("sentence", FreeText),
    Column("owner", Word(Owner)),
    Column("since", UtcTime, nullable=False),
    Column("first_listed_at", UtcTime, nullable=False),
    Column("next_attempt_at", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("reference", FreeText),
    Column("url", FreeText),
    Column("number", FreeText),
    Column("invoice_json", FreeText),
    Column("tax_date", Date),
    Column("part", Boolean, nullable=False),
    Column("compared", Boolean, nullable=False),
    Column("accepted_at", UtcTime),
    Column("inferred", Boolean, nullable=False),
    Column("lost_at", UtcTime),
    Column("settle_reads", JsonTuple(), nullable=False),
    Column("absent_since", UtcTime),
    Column("absent_reads", Integer, nullable=False),
    Column("absence_doubtful", Boolean, nullable=False),
    Column("listed_again", Integer, nullable=False),
    Column("ending", Word(State)),
    Column("retries", Integer, nullable=False),
    Column("rebuilds", Integer, nullable=False),
    Column("accepts", Integer, nullable=False),
    Column("crashes_alone", Integer, nullable=False),
    Column("differences", Differences, nullable=False),
    Column("erased_at", UtcTime),
    Column("adopted_at", UtcTime),
    Column("approved", String(64)),
    Column("erp", FreeText),
    Column("supply_date", Date),
    Column("issue_date", Date),
    Column("reserved", JsonTuple(), nullable=False, server_default="[]"),
    Column("refusal", FreeText),
    Column("doubt_since", UtcTime),
    Column("listed_as", Text),
    Column("taken", Boolean, nullable=False, server_default=false()),
    Column("order_number", Text),
    Column("credits", Credits, nullable=False, server_default="[]"),
    Column("approved_total", FreeText),
    Column("without_vat", String(64)),
    Column("tax_compared", Boolean, nullable=False, server_default=true()),
    Column("issuer", FreeText),
    UniqueConstraint("key", name="jobs_key"),
    Index("jobs_order", "order_id", "tenant", "stage"),
)
Index(
    ONE_OPEN,
    jobs.c.tenant,
    jobs.c.stage,
    jobs.c.order_id,
    unique=True,
    sqlite_where=text("open"),
    postgresql_where=text("open"),
)
Index("jobs_unfinished", jobs.c.tenant, jobs.c.stage, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
Index("jobs_unconfirmed", jobs.c.since, sqlite_where=UNCONFIRMED, postgresql_where=UNCONFIRMED)
Index("jobs_with_bodies", jobs.c.since, sqlite_where=WITH_BODIES, postgresql_where=WITH_BODIES)
Index("jobs_number", jobs.c.number, sqlite_where=NUMBERED, postgresql_where=NUMBERED)
_ALLOCATED_ROWS = text("stage = 'allocation' AND state = 'done'")
Index(
    "jobs_allocated",
    jobs.c.tenant,
    jobs.c.accepted_at,
    sqlite_where=_ALLOCATED_ROWS,
    postgresql_where=_ALLOCATED_ROWS,
)
Index(
    "jobs_sales_order",
    jobs.c.order_number,
    jobs.c.tenant,
    jobs.c.order_id,
    sqlite_where=OF_SALES_ORDER,
    postgresql_where=OF_SALES_ORDER,
)
Index("jobs_taken", jobs.c.tenant, jobs.c.stage, sqlite_where=jobs.c.taken, postgresql_where=jobs.c.taken)
Index("jobs_not_compared", jobs.c.tenant, jobs.c.stage, sqlite_where=NOT_COMPARED, postgresql_where=NOT_COMPARED)
Index(
    "jobs_tax_not_compared",
    jobs.c.tenant,
    jobs.c.stage,
    sqlite_where=TAX_NOT_COMPARED,
    postgresql_where=TAX_NOT_COMPARED,
)

Index("jobs_disproved", jobs.c.tenant, jobs.c.accepted_at, sqlite_where=DISPROVED, postgresql_where=DISPROVED)

effects = Table(
    "effects",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("job_id", RowId, ForeignKey("jobs.id", name="effects_job"), nullable=False),
    Column("kind", Word(EffectKind), nullable=False),
    Column("key", String(64), nullable=False),
    Column("intent_at", UtcTime, nullable=False),
    Column("alone", Boolean, nullable=False),
    Column("request", FreeText),
    Column("outcome", Word(Outcome, (("inferred", Outcome.OK),))),
    Column("outcome_at", UtcTime),
    Column("answer", FreeText),
    Index("effects_of_job", "job_id"),
)
Index(
    "effects_open",
    effects.c.job_id,
    sqlite_where=effects.c.outcome.is_(None),
    postgresql_where=effects.c.outcome.is_(None),
)

Index("effects_with_errors", effects.c.job_id, sqlite_where=WITH_ERRORS, postgresql_where=WITH_ERRORS)

actions = Table(
    "actions",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("tenant", String(200), nullable=False),
    Column("job_id", RowId),
    Column("note", FreeText),
    Index("actions_of_job", "job_id"),
    Index("actions_of_tenant", "tenant"),
)

queues = Table(
    "queues",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("stage", Word(Stage), primary_key=True),
    Column("first_read_at", UtcTime),
    Column("live_at", UtcTime),
    Column("last_good_read_at", UtcTime),
    Column("paused_reason", Word(Reason)),
    Column("paused_sentence", FreeText),
    Column("paused_at", UtcTime),
    Column("rules", Integer, nullable=False, server_default="0"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("stage", Word(Stage), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", FreeText),
)
"""Pauses by operators; a pause for a refused token is stored with the queue, since it ends automatically."""

bindings = Table(
    "bindings",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("store_code", Text, nullable=False),
    Column("connector", Text, nullable=False),
    Column("identity", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("told_at", UtcTime),
    Column("claimed_at", UtcTime),
    Column("sentence", FreeText, nullable=False),
)
"""Conditions that raise alerts, from the first time one is seen until its end is sent.

`claimed_at`: a process is sending it.
"""

leases = Table(
    "leases",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("owner", String(64)),
    Column("host", Text),
    Column("pid", Integer),
    Column("number", RowId, nullable=False),
    Column("heartbeat", RowId, nullable=False),
    Column("taken_at", UtcTime),
)
"""A row stays when its lease is freed (owner NULL): the fencing token only ever increases."""

compatible = Table("ledger_compatible", metadata, Column("from_revision", String(32), nullable=False))
"""One row: programs whose newest revision is this one or a later one may use this schema, even if it is newer.

A migration that only adds (a table, a column with a default in the database, an index) leaves it. One that removes or
changes anything that earlier programs use sets it to its own revision, one release after the program stopped using it.
"""
