"""Class activation maps as formulas: activations (and gradients) of a layer in, one signed map per item out.

Every map is signed and unscaled. `heat_maps` makes of it what is usually shown.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from undula.attribution.components import centered, kernel_component, principal_projection
from undula.attribution.signs import Sign, as_lapack_has_it, oriented


def grad_cam(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"]
) -> Float[Tensor, "b *grid"]:
    """Activations weighted by the mean gradient of their channel (Selvaraju et al. 2017).

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.

    Returns:
        Signed maps.

    Example:
        >>> grad_cam(torch.ones(1, 2, 3, 3), torch.ones(1, 2, 3, 3))[0, 0]
        tensor([2., 2., 2.])
    """
    return _weighted(activations, gradients.flatten(2).mean(dim=2))


def grad_cam_plus_plus(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"]
) -> Float[Tensor, "b *grid"]:
    """Activations weighted by their positive gradients, each times G² / (2 G² + Σ A G³) (Chattopadhay et al. 2018).

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.

    Returns:
        Signed maps.
    """
    total = activations.flatten(2).sum(dim=2).reshape(*activations.shape[:2], *[1] * (activations.ndim - 2))
    squared = gradients.square()
    share = squared / (2 * squared + total * squared * gradients + 1e-6)
    share = torch.where(gradients == 0, torch.zeros_like(share), share)
    return _weighted(activations, (gradients.relu() * share).flatten(2).sum(dim=2))


def x_grad_cam(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"]
) -> Float[Tensor, "b *grid"]:
    """Activations weighted by the gradient of their channel averaged over the activations (Fu et al. 2020).

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.

    Returns:
        Signed maps. Fails (divides by nearly nothing) where the activations of a channel add up to about zero.
    """
    products = (activations * gradients).flatten(2).sum(dim=2)
    return _weighted(activations, products / (activations.flatten(2).sum(dim=2) + 1e-7))


def hires_cam(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"]
) -> Float[Tensor, "b *grid"]:
    """Activation times gradient, added up over channels (Draelos and Carin 2020).

    Linear in the gradient: the maps of targets that add up, such as bands of frequency, add up too.

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.

    Returns:
        Signed maps.
    """
    return (activations * gradients).sum(dim=1)


def layer_cam(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"]
) -> Float[Tensor, "b *grid"]:
    """Activation times positive gradient, added up over channels (Jiang et al. 2021).

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.

    Returns:
        Signed maps.
    """
    return (activations * gradients.relu()).sum(dim=1)


def eigen_cam(activations: Float[Tensor, "b c *grid"], *, sign: Sign = "activation") -> Float[Tensor, "b *grid"]:
    """Projection on the first principal component of the activations (Muhammad and Yeasin 2020); no target enters.

    Args:
        activations: Activations of a layer.
        sign: Which end of the component is positive; "raw" is the original, the sign that NumPy's singular value
            decomposition happens to give.

    Returns:
        Signed maps.

    Example:
        >>> activations = torch.tensor([0.0, 0.0, 0.0, 4.0]).reshape(1, 1, 2, 2)
        >>> eigen_cam(activations)
        tensor([[[-1., -1.],
                 [-1.,  3.]]])
    """
    rows = centered(activations)
    projection = principal_projection(rows)
    turned = as_lapack_has_it(projection, rows) if sign == "raw" else oriented(projection, rows, sign=sign)
    return _on_grid(turned, activations)


def kernel_pca_cam(
    activations: Float[Tensor, "b c *grid"], *, sign: Sign = "activation"
) -> tuple[Float[Tensor, "b *grid"], Float[Tensor, "b"]]:
    """Projection on the first component of the sigmoid kernel (Karmani et al. 2024); no target enters.

    Args:
        activations: Activations of a layer.
        sign: Which end of the component is positive; "raw" is the original, scikit-learn's rule, which is "maxabs".

    Returns:
        Signed maps, and the relative residual of every eigenpair.
    """
    rows = centered(activations)
    component = kernel_component(rows)
    turned = oriented(component.projection, rows, sign="maxabs" if sign == "raw" else sign)
    return _on_grid(turned, activations), component.residual


def eigen_grad_cam(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"], *, sign: Sign = "activation"
) -> Float[Tensor, "b *grid"]:
    """Projection on the first principal component of activation times gradient.

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.
        sign: As in `eigen_cam`; the activations of the rule are the products.

    Returns:
        Signed maps.
    """
    return eigen_cam(activations * gradients, sign=sign)


def seg_eigen_cam(
    activations: Float[Tensor, "b c *grid"], gradients: Float[Tensor, "b c *grid"], *, sign: Sign = "activation"
) -> Float[Tensor, "b *grid"]:
    """Projection on the first principal component of activation times |gradient| (SegEigenCAM, 2025).

    Args:
        activations: Activations of a layer.
        gradients: Gradients of the target with respect to them.
        sign: As in `eigen_cam`; "raw" is the original, which has the rule "maxabs".

    Returns:
        Signed maps.
    """
    return eigen_cam(activations * gradients.abs(), sign="maxabs" if sign == "raw" else sign)


def _weighted(activations: Tensor, weights: Tensor) -> Tensor:
    return _on_grid((weights[:, None] @ activations.flatten(2))[:, 0], activations)


def _on_grid(values: Tensor, activations: Tensor) -> Tensor:
    return values.reshape(activations.shape[0], *activations.shape[2:]).to(activations.dtype)
