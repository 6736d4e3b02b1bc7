"""One of every kind of media, and of the charts of wandb.plot; prints the run's id and the digests of its files."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import wandb

HTML = "<script>fetch('/api/stop', {method: 'POST'})</script>"
run = wandb.init(project="sdk")
pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
box = {
    "position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4},
    "class_id": 1,
    "box_caption": "a cone",
    "scores": {"sure": 0.9},
}
classes = {0: "none", 1: "cone"}
for name, content in (
    ("clip.mp4", b"\0" * 100), ("sound.wav", b"RIFF" + b"\0" * 60), ("atoms.pdb", b"HEADER"),
    ("shape.obj", b"v 0 0 0\n"), ("picture.svg", b"<svg onload='alert(1)'/>"),
):  # fmt: skip
    Path(name).write_bytes(content)
table = wandb.Table(columns=["x", "y", "name"], data=[[1, 2.5, "a"], [2, 3.5, "b"]])


def image(number: int) -> Any:
    return wandb.Image(pixels + number, caption=f"number {number}")


marked = wandb.Image(
    pixels,
    caption="marked",
    boxes={"found": {"box_data": [box], "class_labels": classes}},
    masks={"ground": {"mask_data": np.eye(4, dtype=np.uint8), "class_labels": classes}},
)
run.log({"marked": marked, "several": [image(1), image(2)], "deep": {"er": image(3)}})
run.log(
    {
        "clip": wandb.Video("clip.mp4"),
        "sound": wandb.Audio("sound.wav", caption="a sound"),
        "page": wandb.Html(HTML, inject=False),
        "atoms": wandb.Molecule("atoms.pdb"),
        "shape": wandb.Object3D("shape.obj"),
        "cloud": wandb.Object3D(np.zeros((3, 3))),
        "heights": wandb.Histogram([1, 2, 2, 3], num_bins=3),
        "table": table,
        "a/b c ü": image(4),
    }
)
truth, sure = [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]
run.log(
    {
        "line": wandb.plot.line(table, "x", "y", title="a line"),
        "scatter": wandb.plot.scatter(table, "x", "y"),
        "bar": wandb.plot.bar(table, "name", "y"),
        "hist": wandb.plot.histogram(table, "y"),
        "lines": wandb.plot.line_series([1, 2], [[1, 2], [3, 4]], keys=["a", "b"]),
        "confusion": wandb.plot.confusion_matrix(
            y_true=truth, preds=[0, 1, 0], class_names=["a", "b"]
        ),
        "own": wandb.plot_table("swept/own", table, {"x": "x"}, {"title": "own"}),
    }
)
run.save("picture.svg", policy="now")
run.finish()
del sure
folder = Path(run.dir) / "media"
digests = {
    f"media/{path.relative_to(folder).as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.rglob("*")
    if path.is_file()
}
read = wandb.Api().run(f"local/sdk/{run.id}")
read.file("picture.svg").download(root="got", replace=True)
told = {
    "id": run.id,
    "digests": digests,
    "got": Path("got/picture.svg").read_bytes().decode(),
    "files": {file.name: file.mimetype for file in read.files()},
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
