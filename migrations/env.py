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
if connection.dialect.name == "postgresql":
    # Two who migrate at once take turns, and the second finds it done. The embedded store has one lock for everything.
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('handover migrate'))")
    # Who waits for a table keeps everybody waiting who comes after. A service that goes on comes first: this gives up
    # soon, before the server looks for who stands in whose way, and is tried again.
    connection.exec_driver_sql("SET LOCAL lock_timeout = '400ms'")
    # The service's connections read no table from end to end if they can help it; whoever lays one anew has to.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
with context.begin_transaction():
    context.run_migrations()
