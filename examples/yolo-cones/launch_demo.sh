#!/usr/bin/env sh
# The whole plan in miniature: sweep, analysis, full training, two architectures on the test set.
# Each step goes on where it was when it is called again after Ctrl+C.
set -eu
cd "$(dirname "$0")"
export OMP_NUM_THREADS=1 YOLO_OFFLINE=true # two trainings side by side, one thread each
trap 'exit 130' INT # a step that Ctrl+C ended cleanly must not lead on to the next

./launch_sweep.sh demo_config.yaml --slots 2
python analyze_sweep.py demo_config.yaml
python train_best_config.py demo_config.yaml --epochs 20
swept compare demo_config.yaml --models tinycone,tinycone_wide --slots 2
