"""The reduced networks in PyTorch, as its own users would write them, channels last."""

from typing import Any

import numpy as np

from benchmarks.arithmetic import best_seconds


def seconds_a_step(
    tasks: tuple[str, ...], precision: str, batch_size: int, compiled: bool, rounds: int
) -> float:
    """The best time of a training step on one batch in memory, by Adam, already on the device.

    ``precision``: "float32", or "mixed_bfloat16" for PyTorch's automatic one. PyTorch's own
    local response normalisation, convolutions and ``torch.compile``. The batch is cropped and in
    floats before it starts, which the networks here do within the step.
    """
    import torch

    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = _network(tasks).to(device, memory_format=torch.channels_last)
    called = torch.compile(network) if compiled else network
    optimizer = torch.optim.Adam(network.parameters(), 1e-4)
    random = np.random.default_rng(0)
    faces = torch.tensor(random.random((batch_size, 3, 227, 227), "float32"), device=device)
    faces = faces.contiguous(memory_format=torch.channels_last)
    labels = {
        "gender": torch.tensor(random.integers(0, 2, (batch_size, 1)), device=device).float(),
        "age": torch.tensor(random.integers(0, 8, batch_size), device=device),
    }
    losses = {"gender": torch.nn.BCEWithLogitsLoss(), "age": torch.nn.CrossEntropyLoss()}

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16"):
            logits = called(faces)
            loss = sum(losses[task](logits[task], labels[task]) for task in tasks) / len(tasks)
        loss.backward()
        optimizer.step()
        loss.item()

    step()
    step()
    return best_seconds(step, rounds)


def _network(tasks: tuple[str, ...]) -> Any:
    import torch
    from torch import nn

    def head(task: str) -> Any:
        inner = [
            nn.Flatten(),
            *(nn.Linear(96 * 24 * 24, 128), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.5)),
        ]
        return nn.Sequential(*inner, nn.Linear(128, {"gender": 1, "age": 8}[task]))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            blocks: list[Any] = []
            for before, filters, kernel in ((3, 24, 7), (24, 64, 5), (64, 96, 3)):
                blocks += [nn.Conv2d(before, filters, kernel), nn.ReLU(), nn.MaxPool2d(3, 2)]
                blocks.append(nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0))
            self.trunk = nn.Sequential(*blocks)
            self.heads = nn.ModuleDict({task: head(task) for task in tasks})

        def forward(self, faces: torch.Tensor) -> dict[str, torch.Tensor]:
            features = self.trunk(faces)
            return {task: one(features) for task, one in self.heads.items()}

    return Network()
