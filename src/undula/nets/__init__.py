"""Networks that several jobs use: plain modules, which any trainer can train."""

from undula.nets.masked import MaskedPatches
from undula.nets.noise_level import NoiseLevel
from undula.nets.packet_cnn import PacketCNN
from undula.nets.perceptron import Perceptron
from undula.nets.tokens import FrozenViT, token_grid
from undula.nets.unet import UNet
from undula.nets.vit import local_vit, random_vit
from undula.nets.vit_unet import SeedViTUNet, ViTUNet

__all__ = [
    "FrozenViT",
    "MaskedPatches",
    "NoiseLevel",
    "PacketCNN",
    "Perceptron",
    "SeedViTUNet",
    "UNet",
    "ViTUNet",
    "local_vit",
    "random_vit",
    "token_grid",
]
