"""Statistical models of runs: pure, on plain arrays."""
