"""Small vision transformers for the tests."""

from types import SimpleNamespace

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

TINY = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48, "image_size": 64}


class PatchMeans(nn.Module):
    """Each patch's mean, behind tokens of NaN that stand for no patch, in one of the forms in which tokens come."""

    def __init__(self, *, patch=16, leading=1, form="tensor"):
        super().__init__()
        self.config = SimpleNamespace(hidden_size=3, patch_size=patch)
        self.leading, self.form = leading, form

    def forward(self, pixels):
        tokens = avg_pool2d(pixels, self.config.patch_size).flatten(2).mT
        tokens = torch.cat([torch.full_like(tokens[:, :1], torch.nan)] * self.leading + [tokens], dim=1)
        return {"tensor": tokens, "tuple": (tokens, None), "list": [tokens]}[self.form]
