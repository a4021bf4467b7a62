"""What `attribute` returns."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Attribution:
    """Maps of what a network looks at, one per image, and what tells how to read them.

    Attributes:
        maps: Heat maps in [0, 1] in the size of the images (b, *space): positive parts only, every image stretched for
            itself, so neither signs nor strengths can be compared between images or targets.
        raw: Signed maps in the size of the images (b, *space), the mean over layers; of "hirescam", "grad", "xgrad" and
            "integrated" they add up where targets add up.
        signed: Signed maps of every layer on its own grid (b, *grid).
        layers: Names of the layers; empty for maps of the input.
        method: The method.
        target: The target in words; empty where none enters.
        sign: What positive means, in words.
        values: The target at every image (b,); None where no target enters.
        residual: "kpca": residual of every eigenpair; "integrated": by how much a map fails to add up (b,). Else None.
        notes: Sentences about what the reader should know, such as an ignored target.
    """

    maps: Tensor
    raw: Tensor
    signed: tuple[Tensor, ...]
    layers: tuple[str, ...]
    method: str
    target: str
    sign: str
    values: Tensor | None
    residual: Tensor | None
    notes: tuple[str, ...]
