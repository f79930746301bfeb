"""Runs migrations on the connection it is handed; there is no other way in, so that no address of a database is ever
in a file."""

from alembic import context

from handover.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
