"""The compiled kernel of the wavelet transforms: optional, built on this machine when it is first wanted."""

from undula.spectra.wavelets.native.axes import Axis
from undula.spectra.wavelets.native.building import available, why_unavailable
from undula.spectra.wavelets.native.calls import down, down2, up, up2

__all__ = ["Axis", "available", "down", "down2", "up", "up2", "why_unavailable"]
