"""Wavelet transforms with the names, arguments and containers of PyWavelets, for PyTorch, NumPy and JAX."""

from undula.spectra.wavelets.modes import MODES, Mode
from undula.spectra.wavelets.multilevel import wavedec, wavedec2, wavedecn, waverec, waverec2, waverecn
from undula.spectra.wavelets.single import dwt, dwt2, dwtn, idwt, idwt2, idwtn

__all__ = [
    "MODES",
    "Mode",
    "dwt",
    "dwt2",
    "dwtn",
    "idwt",
    "idwt2",
    "idwtn",
    "wavedec",
    "wavedec2",
    "wavedecn",
    "waverec",
    "waverec2",
    "waverecn",
]
