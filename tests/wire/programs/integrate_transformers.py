"""Transformers' Trainer with report_to="wandb": one training, or with `search` its own search through wandb."""

import sys
from typing import Any

import torchvision_shim

torchvision_shim.install()

import torch  # noqa: E402
import transformers  # noqa: E402
import wandb  # noqa: E402
from torch.utils.data import Dataset  # noqa: E402
from transformers import (  # noqa: E402
    GPT2Config,
    GPT2LMHeadModel,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
)


class Counting(Dataset[dict[str, torch.Tensor]]):  # type: ignore[misc]
    """Sequences that count upwards."""

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        ids = torch.arange(index, index + 8) % 16
        return {"input_ids": ids, "labels": ids}


def model() -> GPT2LMHeadModel:
    size = {"n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 1, "vocab_size": 16}
    return GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0))


def space(_: Any) -> dict[str, Any]:
    return {
        "method": "grid",
        "metric": {"name": "eval/loss", "goal": "minimize"},
        "parameters": {"learning_rate": {"values": [0.1, 0.001]}},
    }


transformers.set_seed(0)
given = [word for word in sys.argv[1:] if word != "search"]
fixed = (
    "--output_dir=trained --run_name=counting --report_to=wandb --use_cpu --num_train_epochs=2 --logging_steps=1 "
    "--per_device_train_batch_size=4 --eval_strategy=epoch --save_strategy=epoch --disable_tqdm=true"
)
(arguments,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses(
    [*fixed.split(), *given]
)
trainer = Trainer(
    model_init=model, args=arguments, train_dataset=Counting(), eval_dataset=Counting()
)
if "search" in sys.argv:
    best = trainer.hyperparameter_search(
        backend="wandb", hp_space=space, n_trials=2, direction="minimize", project="transformers"
    )
    sys.stdout.write(f"\nBEST {best.run_id} SWEEP {best.run_summary}\n")
else:
    trainer.train()
wandb.finish()
