"""A training in a sweep that keeps its weights as an artifact, and changes them, under the key of its attempt."""

import wandb

run = wandb.init()
artifact = wandb.Artifact(f"model-{run.id}", type="model")
with artifact.new_file("weights.txt") as file:
    file.write(str(run.config.lr))
artifact = run.log_artifact(artifact).wait()
artifact.aliases.append("best")
artifact.metadata["lr"] = run.config.lr
artifact.save()
again = run.use_artifact(f"model-{run.id}:best")
with open(again.file()) as file:
    assert file.read() == str(run.config.lr)
run.log({"loss": run.config.lr})
run.finish()
