"""Saved and restored files, alerts, git and system metrics; prints the run's id and what came back."""

import json
import subprocess
import sys
import time
from pathlib import Path

import wandb

Path(".gitignore").write_text("wandb\n")
for command in (
    ["init", "-q", "-b", "main"],
    ["config", "user.email", "a@b.c"],
    ["config", "user.name", "n"],
    ["remote", "add", "origin", "https://host.invalid/own/code.git"],
    ["add", "sdk_files.py", ".gitignore"],
    ["commit", "-q", "-m", "first"],
):
    subprocess.run(["git", *command], check=True)
with Path("sdk_files.py").open("a") as program:
    program.write("# changed\n")
Path("models").mkdir()
for number in range(2):
    Path(f"models/weights-{number}.txt").write_text(str(number))
Path("end.txt").write_text("early")
settings = wandb.Settings(x_stats_sampling_interval=0.5)
run = wandb.init(project="sdk", settings=settings, save_code=True)
run.save("models/*.txt", policy="now")
Path("live.txt").write_text("first")
run.save("live.txt", policy="live")
run.save("end.txt", policy="end")
Path("live.txt").write_text("second")
run.log_code(".", include_fn=lambda path: path.endswith("sdk_files.py"))
run.alert("lost", "the loss is NaN", level=wandb.AlertLevel.ERROR, wait_duration=300)  # type: ignore[attr-defined] # not in its stubs
run.alert("lost", "again", level="ERROR", wait_duration=300)
run.alert("other", "text")
for step in range(3):
    run.log({"loss": step})
place = f"local/sdk/{run.id}"
for _ in range(600):  # until the client has measured the machine, and has sent that
    measured = wandb.Api().run(place).history(stream="system", pandas=False)
    if any("system.proc.memory.rssMB" in row for row in measured):
        break
    time.sleep(0.5)
Path("end.txt").write_text("late")
run.finish()
restored = wandb.restore("models/weights-1.txt", run_path=place, root="back")
read = wandb.Api().run(place)
told = {
    "id": run.id,
    "restored": restored.read() if restored else None,
    "system": [dict(row) for row in read.history(stream="system", pandas=False)],
    "metadata": read.metadata,
    "commit": read.commit,
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
