"""Console output of every kind; prints the run's id. Arguments: the console mode, and how many lines."""

import sys
import time

import wandb

mode, count = sys.argv[1], int(sys.argv[2])
run = wandb.init(project="sdk", settings=wandb.Settings(console=mode))
sys.stdout.write("first\n")
for percent in range(0, 101, 10):
    sys.stdout.write(f"\rprogress {percent} %")
    sys.stdout.flush()
    time.sleep(0.01)
sys.stdout.write("\n")
sys.stdout.write("\033[31mred\033[0m and ünïcode ☃ 日本\n")
sys.stderr.write("to stderr\n")
sys.stdout.write("half ")
sys.stdout.write("a line\n")
for number in range(count):
    sys.stdout.write(f"line {number}\n")
sys.stdout.write("last\n")
run.finish()
again = wandb.init(project="sdk", id=run.id, resume="must", settings=wandb.Settings(console=mode))
sys.stdout.write("resumed\n")
again.finish()
sys.stdout.write(f'\nTOLD {{"id": "{run.id}"}}\n')
