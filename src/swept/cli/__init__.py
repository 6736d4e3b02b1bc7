"""The `swept` command: one file a command; parse, call, print."""
