"""What a sweep has found: pure, from runs to values to text."""
