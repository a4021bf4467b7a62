"""What a network looks at: class activation maps, saliency, and targets in bands of frequency."""

from undula.attribution.bands import Energy, FourierBand, PacketBand, fourier_bands, packet_bands
from undula.attribution.call import METHODS, attribute, attribute_each
from undula.attribution.controls import deletion, insertion, randomized
from undula.attribution.formulas import (
    eigen_cam,
    eigen_grad_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    kernel_pca_cam,
    layer_cam,
    seg_eigen_cam,
    x_grad_cam,
)
from undula.attribution.layers import coarsest_layers, named_layers
from undula.attribution.outputs import first_tensor
from undula.attribution.pixels import Integrated, Smooth
from undula.attribution.result import Attribution
from undula.attribution.scaling import band_filter, heat_maps
from undula.attribution.signs import SIGNS
from undula.attribution.targets import Class, Error, Mean, Norm, Pixel, Region

__all__ = [
    "METHODS",
    "SIGNS",
    "Attribution",
    "Class",
    "Energy",
    "Error",
    "FourierBand",
    "Integrated",
    "Mean",
    "Norm",
    "PacketBand",
    "Pixel",
    "Region",
    "Smooth",
    "attribute",
    "attribute_each",
    "band_filter",
    "coarsest_layers",
    "deletion",
    "eigen_cam",
    "eigen_grad_cam",
    "first_tensor",
    "fourier_bands",
    "grad_cam",
    "grad_cam_plus_plus",
    "heat_maps",
    "hires_cam",
    "insertion",
    "kernel_pca_cam",
    "layer_cam",
    "named_layers",
    "packet_bands",
    "randomized",
    "seg_eigen_cam",
    "x_grad_cam",
]
