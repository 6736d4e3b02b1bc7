"""Very many small pictures in one run; prints the run's id, their digests, and what `Api()` lists. Argument: how many."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import wandb

count = int(sys.argv[1])
run = wandb.init(project="more")
pixels = np.zeros((4, 4, 3), dtype=np.uint8)
for step in range(count // 10):
    pictures = []
    for place in range(10):
        number = step * 10 + place
        pixels[0, 0] = (number % 256, number // 256, 1)
        pictures.append(wandb.Image(pixels.copy(), caption=f"number {number}"))
    run.log({"pictures": pictures, "one": pictures[0]})
run.finish()
folder = Path(run.dir) / "media"
digests = {
    f"media/{path.relative_to(folder).as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.rglob("*.png")
}
read = wandb.Api().run(f"local/more/{run.id}")
listed = [file.name for file in read.files(per_page=100)]
last = read.summary["pictures"]["filenames"][-1]
with read.file(last).download(root="got", replace=True):
    pass
told = {
    "id": run.id,
    "digests": digests,
    "listed": listed,
    "last": last,
    "got": hashlib.sha256((Path("got") / last).read_bytes()).hexdigest(),
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
