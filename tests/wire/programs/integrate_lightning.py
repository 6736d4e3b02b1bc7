"""PyTorch Lightning's WandbLogger as its own documentation shows it; the model is restored from its artifact at the end."""

import sys

import torchvision_shim

torchvision_shim.install()

import lightning  # noqa: E402
import torch  # noqa: E402
import wandb  # noqa: E402
from lightning.pytorch.callbacks import ModelCheckpoint  # noqa: E402
from lightning.pytorch.loggers import WandbLogger  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402


class Line(lightning.LightningModule):  # type: ignore[misc]
    def __init__(self, lr: float = 0.05) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.layer(points)
        return values

    def loss(self, batch: list[torch.Tensor]) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self(batch[0]), batch[1])

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        loss = self.loss(batch)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        self.log("val/loss", self.loss(batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])


torch.manual_seed(0)
points = torch.rand(32, 2)
data = DataLoader(TensorDataset(points, points.sum(1, keepdim=True)), batch_size=8)
logger = WandbLogger(project="lightning", name="a line", log_model="all", config={"lr": 0.05})
model = Line(lr=logger.experiment.config["lr"])
logger.watch(model, log="all", log_freq=2)
best = ModelCheckpoint(monitor="val/loss", mode="min")
trainer = lightning.Trainer(
    max_epochs=3, logger=logger, callbacks=[best], accelerator="cpu", log_every_n_steps=2,
    enable_progress_bar=False, enable_model_summary=False,
)  # fmt: skip
trainer.fit(model, data, data)
logger.log_image("pictures", [torch.rand(3, 8, 8), torch.rand(3, 8, 8)], caption=["one", "two"])
logger.log_table("table", columns=["x", "text"], data=[[1, "one"], [2, "two"]])

wandb.finish()

if "restore" in sys.argv:
    later = WandbLogger(project="lightning", job_type="restore")
    artifact = later.use_artifact(f"model-{logger.version}:best", "model")
    kept = Line.load_from_checkpoint(f"{artifact.download()}/model.ckpt")
    saved = Line.load_from_checkpoint(best.best_model_path)
    same = torch.equal(kept.layer.weight, saved.layer.weight)
    sys.stdout.write(f"\nRESTORED {same} {artifact.version}\n")
    wandb.finish()
