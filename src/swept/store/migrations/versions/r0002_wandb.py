"""What the W&B client's further parts keep. Each part has its own function here, as in r0001."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One call a part."""


def downgrade() -> None:
    """The same, backwards."""
