"""One training of the sweep: its config comes from swept, its metrics go to swept."""

import torchvision_shim

import swept
from swept.ultralytics.train import train


def main() -> None:
    """Trains once."""
    torchvision_shim.install()  # does nothing where torchvision works by itself
    with swept.init() as run:
        train(run)


if __name__ == "__main__":
    main()
