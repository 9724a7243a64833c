"""How Alembic runs the migrations here: on the connection that it is given, inside the transaction of that."""

from alembic import context

from shipperone_erp.ledger.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
