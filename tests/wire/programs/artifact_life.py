"""What people do with artifacts: log, use, download, change, delete; prints what it saw as JSON."""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import wandb

PROJECT, VERSION = sys.argv[1:]
seen: dict[str, Any] = {}
data = Path("data")
(data / "deep" / "er").mkdir(parents=True)
(data / "one.txt").write_text("one")
(data / "deep" / "er" / "two.bin").write_bytes(bytes(range(256)) * 4000)
Path("beside.txt").write_text("beside")


def digest(folder: str) -> dict[str, str]:
    """Relative path → its content's hash, for each file below `folder`."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def weights(text: str, **more: Any) -> Any:
    artifact = wandb.Artifact("weights", type="model", **more)
    with artifact.new_file("weights.txt") as file:
        file.write(text)
    return artifact


run = wandb.init(project=PROJECT, name="writer")
seen["writer"] = run.id

dataset = wandb.Artifact("data", type="dataset", description="all of it", metadata={"rows": 3})
dataset.add_dir("data")
dataset.add_file("beside.txt", name="renamed.txt")
dataset.add_reference(f"file://{os.path.abspath('beside.txt')}", name="local.txt")
dataset.add_reference(os.environ["WANDB_BASE_URL"] + "/static/page.css", name="far.css")
run.log_artifact(dataset, aliases=["raw"])
dataset.wait()
seen["data"] = [dataset.version, sorted(dataset.aliases), dataset.state, dataset.size > 1_024_000]

first = run.log_artifact(weights("1", metadata={"loss": 0.5, "nested": {"a": [1, 2]}})).wait()
second = run.log_artifact(weights("2"), aliases=["best", "latest"]).wait()
again = run.log_artifact(weights("1"), aliases=["best"]).wait()
seen["versions"] = [first.version, second.version, again.version]
third = run.log_artifact(weights("3")).wait()

third.description = "the third"
third.metadata["loss"] = 0.25
third.aliases.append("good")
third.tags = ["keep", "me"]
third.save()

fixed = wandb.Artifact("weights", type="model", incremental=True)
with fixed.new_file("notes.txt") as file:
    file.write("added")
fixed = run.log_artifact(fixed).wait()
seen["incremental"] = [fixed.version, sorted(fixed.manifest.entries)]

draft = dataset.new_draft()
draft.remove("renamed.txt")
draft.add_file("beside.txt", name="added.txt")
grown = run.log_artifact(draft).wait()
seen["draft"] = [grown.version, sorted(grown.manifest.entries)]

table = wandb.Table(columns=["name", "value"], data=[["a", 1.5], ["b", 2.5]])
run.log({"a table": table})
own = wandb.Artifact("predictions", type="predictions")
own.add(table, "table")
run.log_artifact(own).wait()
Path("code.py").write_text("print('hello')\n")
run.log_code(".", include_fn=lambda path: path.endswith("code.py"))
run.log_model("beside.txt", name="mine", aliases=["fresh"])
run.finish()

reader = wandb.init(project=PROJECT, name="reader")
seen["reader"] = reader.id
used = reader.use_artifact("weights:good")
seen["used"] = [used.version, used.description, used.metadata, sorted(used.tags)]
seen["downloaded"] = digest(used.download())
folder = reader.use_artifact("data:v0").download("here")
seen["folder"] = digest(folder)
seen["source"] = digest("data")
entry = reader.use_artifact("data:raw").get_entry("deep/er/two.bin")
seen["entry"] = os.path.getsize(entry.download())
seen["file"] = Path(reader.use_artifact("weights:v1").file()).read_text()
seen["model"] = Path(reader.use_model("mine:fresh")).read_text()
got = reader.use_artifact("predictions:latest").get("table")
seen["table"] = [got.columns, got.data]
reader.finish()

api = wandb.Api()
base = f"{api.default_entity}/{PROJECT}"
weights_now = list(api.artifacts("model", f"{base}/weights"))
seen["list"] = [[one.version, sorted(one.aliases)] for one in weights_now]
seen["types"] = sorted(one.name for one in api.artifact_types(base))
seen["collections"] = sorted(one.name for one in api.artifact_type("model", base).collections())
collection = api.artifact_collection("model", f"{base}/weights")
seen["aliases"] = sorted(collection.aliases) if VERSION != "0.23.1" else None
collection.description = "all weights"
collection.tags = ["golden"]
collection.save()
collection = api.artifact_collection("model", f"{base}/weights")
seen["collection"] = [collection.description, list(collection.tags)]
writer = api.run(f"{base}/{seen['writer']}")
if True:
    seen["logged"] = sorted(one.name for one in writer.logged_artifacts())
    user = api.run(f"{base}/{seen['reader']}")
    seen["inputs"] = sorted(one.name for one in user.used_artifacts())
    found = [one for one in writer.logged_artifacts() if one.type == "run_table"]
    seen["run table"] = [one.get("a table").data for one in found]
one = api.artifact(f"{base}/weights:v2")
seen["by"] = [one.logged_by().id]
if True:
    seen["users"] = [run.id for run in one.used_by()]
seen["files"] = sorted(file.name for file in api.artifact(f"{base}/data:v0").files())
seen["verified"] = api.artifact(f"{base}/data:v0").verify("here")
seen["exists"] = [
    api.artifact_exists(f"{base}/weights:v0"),
    api.artifact_exists(f"{base}/weights:v77"),
    api.artifact_collection_exists(f"{base}/weights", "model"),
]
try:
    api.artifact(f"{base}/weights:v2").delete()
except (wandb.errors.CommError, ValueError) as error:
    seen["refused"] = str(error)
api.artifact(f"{base}/weights:v3").delete(delete_aliases=True)
seen["left"] = [
    [one.version, sorted(one.aliases)] for one in api.artifacts("model", f"{base}/weights")
]
sys.stdout.write(f"\nSEEN {json.dumps(seen)}\n")
