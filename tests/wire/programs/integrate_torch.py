"""PyTorch by itself: `watch`, a table with pictures, and what TensorBoard's writer says, taken along."""

import numpy as np
import torch
import wandb
from torch.utils.tensorboard import SummaryWriter

run = wandb.init(project="torch", config={"lr": 0.1}, sync_tensorboard=True)
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
run.watch(model, log="all", log_freq=1)
optimizer = torch.optim.SGD(model.parameters(), lr=run.config.lr)
points = torch.rand(16, 2)
writer = SummaryWriter("events")
for step in range(4):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(points), points.sum(1, keepdim=True))
    loss.backward()
    optimizer.step()
    writer.add_scalar("loss", loss.item(), step)
    writer.add_histogram("weights", model.weight, step)
writer.add_image("noise", torch.rand(3, 8, 8), 3)
writer.close()
picture = wandb.Image(np.zeros((8, 8, 3), dtype=np.uint8))
run.log({"examples": wandb.Table(columns=["picture", "guess"], data=[[picture, 0.5]])})
run.finish()
