"""Wavelet transforms with the names, arguments and containers of PyWavelets, for PyTorch, NumPy and JAX."""

from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.bases import best_basis, from_basis
from undula.spectra.wavelets.catalog import (
    central_frequency,
    families,
    frequency2scale,
    integrate_wavelet,
    orthogonal_filter_bank,
    qmf,
    scale2frequency,
    wavelist,
)
from undula.spectra.wavelets.continuous import cwt, icwt
from undula.spectra.wavelets.learnable import OrthogonalLattice, ProductFilter, SoftOrthogonal
from undula.spectra.wavelets.modes import MODES, Mode
from undula.spectra.wavelets.multilevel import wavedec, wavedec2, wavedecn, waverec, waverec2, waverecn
from undula.spectra.wavelets.multiresolution import imra, imra2, imran, mra, mra2, mran
from undula.spectra.wavelets.packets import node, wpdec, wpdec2, wpdecn, wprec, wprec2, wprecn
from undula.spectra.wavelets.packing import array_to_coeffs, coeffs_to_array, ravel_coeffs, unravel_coeffs
from undula.spectra.wavelets.padding import pad
from undula.spectra.wavelets.partial import downcoef, upcoef
from undula.spectra.wavelets.separable import FswavedecnResult, fswavedecn, fswaverecn
from undula.spectra.wavelets.shapes import (
    dwt_coeff_len,
    dwt_max_level,
    dwtn_max_level,
    wavedec_shapes,
    wavedecn_shapes,
    wavedecn_size,
)
from undula.spectra.wavelets.single import dwt, dwt2, dwtn, idwt, idwt2, idwtn
from undula.spectra.wavelets.stationary import iswt, iswt2, iswtn, swt, swt2, swt_max_level, swtn
from undula.spectra.wavelets.thresholds import threshold, threshold_firm

__all__ = [
    "MODES",
    "Bank",
    "FswavedecnResult",
    "Mode",
    "OrthogonalLattice",
    "ProductFilter",
    "SoftOrthogonal",
    "array_to_coeffs",
    "best_basis",
    "central_frequency",
    "coeffs_to_array",
    "cwt",
    "downcoef",
    "dwt",
    "dwt2",
    "dwt_coeff_len",
    "dwt_max_level",
    "dwtn",
    "dwtn_max_level",
    "families",
    "frequency2scale",
    "from_basis",
    "fswavedecn",
    "fswaverecn",
    "icwt",
    "idwt",
    "idwt2",
    "idwtn",
    "imra",
    "imra2",
    "imran",
    "integrate_wavelet",
    "iswt",
    "iswt2",
    "iswtn",
    "mra",
    "mra2",
    "mran",
    "node",
    "orthogonal_filter_bank",
    "pad",
    "qmf",
    "ravel_coeffs",
    "scale2frequency",
    "swt",
    "swt2",
    "swt_max_level",
    "swtn",
    "threshold",
    "threshold_firm",
    "unravel_coeffs",
    "upcoef",
    "wavedec",
    "wavedec2",
    "wavedec_shapes",
    "wavedecn",
    "wavedecn_shapes",
    "wavedecn_size",
    "wavelist",
    "waverec",
    "waverec2",
    "waverecn",
    "wpdec",
    "wpdec2",
    "wpdecn",
    "wprec",
    "wprec2",
    "wprecn",
]
