"""Train the autoencoders that ship: `python benchmarks/estimate_weights.py FOLDER [COMPONENTS…]`, some ten minutes of one core.

It goes on where it was stopped, and may be stopped at any time. What is finished is put, in half precision, where it ships
from. One thread.
"""

import sys
import time
from pathlib import Path

import torch

from undula import DampedAutoencoder
from undula.fit import Progress

WEIGHTS = Path(__file__).parents[1] / "src" / "undula" / "jobs" / "estimate" / "weights"
STEPS = {2: 8000, 1: 4000, 5: 4000, 3: 4000, 4: 4000}  # of 256 signals


def tell(step: int, progress: Progress) -> None:
    """One line per validation."""
    if progress.check is not None and progress.check.validation is not None:
        print(f"{step}: {progress.check.validation:.4f}, {time.process_time():.0f} CPU s", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for components in [int(word) for word in sys.argv[2:]] or STEPS:
        print(f"{components} components", flush=True)
        made = DampedAutoencoder().fit(
            prior="uniform", components=components, steps=STEPS[components], batch=256,
            folder=Path(sys.argv[1]) / str(components), callback=tell,
        )  # fmt: skip
        made.save(WEIGHTS / str(components), half=True)
        print(made.facts["validation"], flush=True)
