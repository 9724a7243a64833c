"""Alembic's environment: it runs the migrations on the caller's connection, inside the caller's transaction."""

from alembic import context

from shipperone_erp.ledger.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
