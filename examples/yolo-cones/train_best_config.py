"""Trains the best configuration of the sweep fully: `python train_best_config.py [ID] [--epochs 300]`.

The same as `swept train`; without an ID it is the newest sweep of this folder. Run it again to go
on with a training that was interrupted.
"""

import subprocess
import sys

if __name__ == "__main__":
    arguments = sys.argv[1:] if "--epochs" in sys.argv else [*sys.argv[1:], "--epochs", "300"]
    sys.exit(subprocess.call([sys.executable, "-m", "swept", "train", *arguments]))
