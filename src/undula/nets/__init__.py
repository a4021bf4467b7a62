"""Networks that several jobs use: plain modules, which any trainer can train."""

from undula.nets.unet import UNet

__all__ = ["UNet"]
