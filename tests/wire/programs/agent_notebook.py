"""A notebook with three cells in a real kernel: what its last cell prints is printed."""

import sys

from jupyter_client.manager import start_new_kernel

CELLS = (
    """
import wandb

def train():
    run = wandb.init()
    for step in range(3):
        run.log({"loss": run.config.lr + step})
    run.finish()
""",
    """
sweep = wandb.sweep(
    {
        "method": "random",
        "metric": {"name": "loss", "goal": "minimize"},
        "parameters": {"lr": {"min": 0.0, "max": 1.0}},
    },
    project="notebooks",
)
wandb.agent(sweep, function=train, count=2)
""",
    "print('SWEEP', sweep)",
)

manager, client = start_new_kernel(kernel_name="python3")
try:
    for cell in CELLS:
        reply = client.execute_interactive(cell, timeout=180)
        if reply["content"]["status"] != "ok":
            sys.exit("\n".join(reply["content"]["traceback"]))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
