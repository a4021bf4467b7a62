"""Images and signals through their Fourier and wavelet spectra: one word, one call, one command.

Every public name is loaded when it is first used, so that `import undula` loads neither torch nor NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from undula import attribution, data, fit, losses, metrics, nets, show, spectra
    from undula.errors import (
        ConvergenceWarning,
        DataError,
        MissingExtra,
        OptionError,
        RangeError,
        ShapeError,
        TrainingError,
        UndulaError,
    )
    from undula.jobs.denoise import Denoiser, Denoising, DialReport, SharpnessDial, denoise
    from undula.jobs.detect import AudioDetector, Detector
    from undula.jobs.estimate import DampedAutoencoder, Modes, estimate, whiten
    from undula.jobs.explain import Explanation, explain
    from undula.jobs.recover import (
        Gaussian,
        GradientDescent,
        Poisson,
        Recovery,
        padded_support,
        recover,
        unpad,
    )
    from undula.jobs.restore import Restoration, restore
    from undula.jobs.view import View, view
    from undula.metrics import Alignment, align
    from undula.spectra import wavelets

    __version__: str

_MODULES = {
    "Alignment": "undula.metrics",
    "AudioDetector": "undula.jobs.detect",
    "ConvergenceWarning": "undula.errors",
    "DampedAutoencoder": "undula.jobs.estimate",
    "DataError": "undula.errors",
    "Denoiser": "undula.jobs.denoise",
    "Denoising": "undula.jobs.denoise",
    "Detector": "undula.jobs.detect",
    "DialReport": "undula.jobs.denoise",
    "Explanation": "undula.jobs.explain",
    "Gaussian": "undula.jobs.recover",
    "GradientDescent": "undula.jobs.recover",
    "MissingExtra": "undula.errors",
    "Modes": "undula.jobs.estimate",
    "OptionError": "undula.errors",
    "Poisson": "undula.jobs.recover",
    "RangeError": "undula.errors",
    "Recovery": "undula.jobs.recover",
    "Restoration": "undula.jobs.restore",
    "ShapeError": "undula.errors",
    "SharpnessDial": "undula.jobs.denoise",
    "TrainingError": "undula.errors",
    "UndulaError": "undula.errors",
    "View": "undula.jobs.view",
    "align": "undula.metrics",
    "denoise": "undula.jobs.denoise",
    "estimate": "undula.jobs.estimate",
    "explain": "undula.jobs.explain",
    "padded_support": "undula.jobs.recover",
    "recover": "undula.jobs.recover",
    "restore": "undula.jobs.restore",
    "unpad": "undula.jobs.recover",
    "view": "undula.jobs.view",
    "whiten": "undula.jobs.estimate",
}
_ROOMS = {
    "attribution": "undula.attribution",
    "data": "undula.data",
    "fit": "undula.fit",
    "losses": "undula.losses",
    "metrics": "undula.metrics",
    "nets": "undula.nets",
    "show": "undula.show",
    "spectra": "undula.spectra",
    "wavelets": "undula.spectra.wavelets",
}

__all__ = [
    "Alignment",
    "AudioDetector",
    "ConvergenceWarning",
    "DampedAutoencoder",
    "DataError",
    "Denoiser",
    "Denoising",
    "Detector",
    "DialReport",
    "Explanation",
    "Gaussian",
    "GradientDescent",
    "MissingExtra",
    "Modes",
    "OptionError",
    "Poisson",
    "RangeError",
    "Recovery",
    "Restoration",
    "ShapeError",
    "SharpnessDial",
    "TrainingError",
    "UndulaError",
    "View",
    "__version__",
    "align",
    "attribution",
    "data",
    "denoise",
    "estimate",
    "explain",
    "fit",
    "losses",
    "metrics",
    "nets",
    "padded_support",
    "recover",
    "restore",
    "show",
    "spectra",
    "unpad",
    "view",
    "wavelets",
    "whiten",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(_MODULES[name]), name)
    elif name in _ROOMS:
        value = import_module(_ROOMS[name])
    elif name == "__version__":
        from importlib.metadata import version

        value = version("undula")
    else:
        raise AttributeError(f"module 'undula' has no attribute {name!r}")
    globals()[name] = value  # asked for once only
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
