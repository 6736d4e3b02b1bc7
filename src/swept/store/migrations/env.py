"""Alembic's environment: works on the connection and in the transaction that `swept.store.migrate` opened."""

from alembic import context

from swept.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
)
context.run_migrations()
