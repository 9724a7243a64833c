"""A database that an earlier test has used is given to the next one as if it had been made for it."""

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from kept_databases import KeptDatabases
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.schema import VERSION_TABLE

CATALOGUE = (
    "SELECT table_name, ordinal_position, column_name, column_default, is_nullable, data_type,"
    " character_maximum_length FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
    "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1",
    "SELECT extname FROM pg_extension",
    "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace ORDER BY 1",
)


def catalogue(url):
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [[tuple(row) for row in connection.execute(text(query))] for query in CATALOGUE]


@pytest.fixture
def kept(postgresql_server):
    databases = KeptDatabases(postgresql_server)
    yield databases
    databases.close()


def test_nothing_of_its_first_user_is_left_and_its_connections_are_cut_off(kept):
    with kept.empty() as first:
        new = catalogue(first)
        left_open = create_engine(first).connect()
        left_open.execute(text("CREATE FUNCTION forty_two() RETURNS int LANGUAGE sql RETURN 42"))
        left_open.execute(text("CREATE TYPE colour AS ENUM ('red')"))
        left_open.execute(text("CREATE TABLE things (id serial, shade colour)"))
        left_open.execute(text('CREATE SCHEMA "Fleet"'))
        left_open.execute(text('CREATE TABLE "Fleet".things (id serial)'))
        left_open.commit()
    with kept.empty() as second:
        assert make_url(second).database != make_url(first).database
        assert catalogue(second) == new
        with pytest.raises(OperationalError):
            left_open.execute(text("SELECT 1"))
        with kept.empty() as beside:
            assert beside != second


def test_its_ledger_is_that_of_a_migration(kept):
    with kept.empty() as url:
        Ledger.open(url, migrate=True).close()
        migrated = catalogue(url), rows(url)
    for _ in range(2):  # the first is recorded, the second is made from the record
        with kept.with_ledger() as url:
            assert (catalogue(url), rows(url)) == migrated
            Ledger.open(url).close()


def rows(url):
    """Of the two tables that a migration writes into."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [list(connection.execute(text(f"SELECT * FROM {name}"))) for name in ("ledger_compatible", VERSION_TABLE)]  # fmt: skip
