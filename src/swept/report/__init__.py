"""A sweep as one HTML file: what `swept report` writes and a notebook shows."""
