"""Small networks of the kinds that people have."""

from dataclasses import dataclass

import torch
from torch import nn


def classifier(channels=1):
    """Strides 2 and 4, activations in place, five classes."""
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 8, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    )


class UNet(nn.Module):
    """Two levels down, a bottleneck, two levels up; as many channels out as in."""

    def __init__(self, channels=1):
        super().__init__()
        self.enter = nn.Conv2d(channels, 4, 3, padding=1)
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.bottleneck = nn.Sequential(
            nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)
        )
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.leave = nn.ConvTranspose2d(8, channels, 2, stride=2)

    def forward(self, x):
        first = torch.relu(self.enter(x))
        second = torch.relu(self.down(first))
        third = torch.relu(self.up(self.bottleneck(second)) + second)
        return x + self.leave(third)


@dataclass
class Hidden:
    """What a transformer returns."""

    loss: object = None
    last_hidden_state: object = None


class Block(nn.Module):
    """Attention and a network over the features."""

    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.dense = nn.Linear(width, width)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + torch.tanh(self.dense(self.norm2(x)))


class Transformer(nn.Module):
    """Patches of 8, some tokens in front, two blocks; classes read from the first token, or the hidden state."""

    def __init__(self, head=1, classes=None):
        super().__init__()
        self.patches = nn.Conv2d(1, 12, 8, stride=8)
        self.front = nn.Parameter(torch.randn(1, head, 12))
        self.blocks = nn.Sequential(Block(12), Block(12))
        self.norm = nn.LayerNorm(12)
        self.classes = nn.Linear(12, classes) if classes else None

    def forward(self, x):
        x = self.patches(x).flatten(2).mT
        x = self.norm(self.blocks(torch.cat([self.front.expand(len(x), -1, -1), x], dim=1)))
        return Hidden(last_hidden_state=x) if self.classes is None else {"logits": self.classes(x[:, 0]), "aux": x}


class Recurrent(nn.Module):
    """A recurrent network over a signal (b, c, t)."""

    def __init__(self):
        super().__init__()
        self.cells = nn.GRU(1, 6, batch_first=True)
        self.read = nn.Linear(6, 3)

    def forward(self, x):
        return self.read(self.cells(x.mT)[0][:, -1])


def denoiser():
    """All layers as fine as the images."""
    return nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(6, 1, 3, padding=1))


def signals():
    """Convolutions over a signal, four classes."""
    return nn.Sequential(
        nn.Conv1d(1, 5, 5, stride=2), nn.ReLU(), nn.Conv1d(5, 7, 5, stride=2), nn.Flatten(), nn.Linear(91, 4)
    )
