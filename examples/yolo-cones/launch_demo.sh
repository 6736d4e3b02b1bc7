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

cat <<END

What to do next (in $PWD; \`swept\` is $(command -v swept))
  swept analyze demo_config.yaml     the best configuration again, and best.yaml
  swept server status                the address of the page with all runs and curves
  python train_baseline.py --like demo_config.yaml --lr0 0.005 --name by_hand     a run by hand, beside the sweep
  README.md, SWEEP_GUIDE.md          the same on your own pictures and GPU
END
