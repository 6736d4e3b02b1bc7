#!/usr/bin/env sh
# ./launch_sweep.sh [FILE] [flags of `swept launch`]
# Starts the sweep of FILE (default: sweep_config.yaml), or goes on with it if it is unfinished.
set -eu
cd "$(dirname "$0")"

case "${1:-}" in
    "" | -*) file=sweep_config.yaml ;;
    *) file=$1 && shift ;;
esac

if [ "$file" = demo_config.yaml ]; then
    python render_cones.py cones
    # Two trainings side by side on two cores: one thread each, and nothing to wait for online.
    export OMP_NUM_THREADS=1 YOLO_OFFLINE=true
fi

exec swept launch "$file" "$@"
