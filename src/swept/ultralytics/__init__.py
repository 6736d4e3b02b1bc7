"""Ultralytics YOLO as a swept program: what its arguments mean, and one training from a run's config."""
