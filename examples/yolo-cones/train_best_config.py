"""Trains the best configuration of the sweep fully: `python train_best_config.py [ID] [--epochs 300]`.

The same as `swept train`; without an ID it is the newest sweep of this folder. Run it again to go
on with a training that was interrupted.
"""

import os
import sys

if __name__ == "__main__":
    command = [sys.executable, "-m", "swept", "train", "--epochs", "300", *sys.argv[1:]]
    os.execv(sys.executable, command)  # in place of this process: Ctrl+C is for swept alone
