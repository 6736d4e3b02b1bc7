"""A training that knows swept and prints."""
# ruff: noqa: T201 (what programs do)

import os
import sys

import swept

run = swept.init()
print("first")
for percent in (10, 50, 100):
    print(f"progress {percent} %", end="\r" if percent < 100 else "\n", flush=True)
print("to stderr, ünïcode ☃", file=sys.stderr)
if os.fork() == 0:
    print("a fork", flush=True)
    os._exit(0)
os.wait()
for step in range(3):
    print(f"step {step}")
    run.log({"loss": 1.0 / (step + 1)})
for number in range(int(os.environ.get("LINES", "0"))):
    print(f"line {number}")
print("last, and no newline", end="")
