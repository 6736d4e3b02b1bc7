"""Prints the best configuration of the sweep and writes it to best.yaml: `python analyze_sweep.py [ID]`.

The same as `swept analyze`; without an ID it is the newest sweep of this folder.
"""

import os
import sys

if __name__ == "__main__":
    os.execv(sys.executable, [sys.executable, "-m", "swept", "analyze", *sys.argv[1:]])
