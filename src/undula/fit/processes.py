"""One process, or several that share every step: then through Accelerate, in the same script."""

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from undula.errors import DataError, MissingExtra, OptionError


@dataclass(frozen=True)
class Processes:
    """Who trains together. Alone, every method returns at once.

    Attributes:
        device: Device of this process.
        rank: Number of this process, from 0.
        count: How many there are.
        accelerator: Accelerate's object; None in one process.
    """

    device: torch.device
    rank: int = 0
    count: int = 1
    accelerator: Any = None

    @property
    def leads(self) -> bool:
        """Whether this is the one process that writes."""
        return self.rank == 0

    def shared(self, network: nn.Module) -> nn.Module:
        """Return the network whose gradients are means over all processes.

        Args:
            network: The network, on the device; all processes take the weights of the first.

        Returns:
            The network itself, or a DistributedDataParallel around it.
        """
        if self.accelerator is None:
            return network
        wrapped: nn.Module = self.accelerator.prepare_model(network)
        return wrapped

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the processes, the same in all of them.

        Args:
            values: A tensor of the same shape in every process.

        Returns:
            The mean.
        """
        if self.accelerator is None:
            return values
        total = values.to(self.device, copy=True)
        torch.distributed.all_reduce(total)
        return total / self.count

    def wait(self) -> None:
        """Wait for the others."""
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()

    def agree_on(self, step: int) -> None:
        """Wait for the others and refuse to go on when they stand elsewhere.

        Args:
            step: Steps done, as this process read them from the folder.

        Raises:
            DataError: The processes found different checkpoints.
        """
        mean = float(self.mean(torch.tensor(step, dtype=torch.float64)))
        if mean != step:
            raise DataError(
                f"got a checkpoint of step {step} in process {self.rank} and another one elsewhere, expected one folder "
                "that all processes see: put it on a file system that the machines share"
            )


def join_processes(device: torch.device) -> Processes:
    """Find out from the environment (`WORLD_SIZE`, set by torchrun and accelerate) who trains.

    Args:
        device: Kind of device to train on; of several GPUs every process takes its own.

    Returns:
        The processes.

    Raises:
        MissingExtra: There are several, and Accelerate is not installed.
        OptionError: Accelerate is set up for something else than copies of the network.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) <= 1:
        return Processes(device)
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingExtra("accelerate", extra="scale") from error
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no")
    kind = str(accelerator.distributed_type.value)
    if not kind.startswith("MULTI_"):
        raise OptionError(
            f"got accelerate set up for {kind}, expected copies of the network on several devices (MULTI_GPU, "
            "MULTI_CPU): run `accelerate config`, or torchrun"
        )
    return Processes(accelerator.device, accelerator.process_index, accelerator.num_processes, accelerator)
