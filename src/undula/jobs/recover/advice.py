"""A sentence that says what to try when a recovery did not work."""

import torch

from undula.jobs.recover.problem import Problem


def advise(
    problem: Problem, *, accepted: torch.Tensor, residual: torch.Tensor, agreement: torch.Tensor | None, support: str
) -> list[str]:
    """One sentence per item, empty where there is nothing to say.

    Args:
        problem: One row per item.
        accepted: Which items were accepted (n,).
        residual: Their residuals (n,).
        agreement: Agreement of their runs (n,), or None for a single run.
        support: "none", "box", "mask" or "shrinkwrap".

    Returns:
        The sentences.
    """
    empty = (problem.energy == 0).tolist()
    together = [float("nan")] * len(empty) if agreement is None else agreement.tolist()
    sentences = []
    for nothing, good, value, shared in zip(empty, accepted.tolist(), residual.tolist(), together, strict=True):
        if nothing:
            sentences.append("all magnitudes are zero: so is the image; check that the right array was read")
        elif good:
            sentences.append(
                f"the accepted runs differ (agreement {shared:.2f}): several images fit; give a tighter support or bounds"
                if shared < 0.9
                else ""
            )
        else:
            sentences.append(_not_accepted(value, support=support, real=problem.real))
    return sentences


def _not_accepted(residual: float, *, support: str, real: bool) -> str:
    if support == "shrinkwrap":
        return (
            f"residual {residual:.2g}: a shrink-wrapped run seldom comes lower; trust the image where several runs agree "
            "(runs=8, agreement)"
        )
    if residual < 2e-2:
        return (
            f"residual {residual:.2g} is near but not below the tolerance: the magnitudes may carry noise (say noise=…, "
            "or raise tolerance), or more transforms are needed (max_transforms=…)"
        )
    if support == "none" and real:
        return (
            f"residual {residual:.2g}: no image within the bounds was found; check bounds and centered=…, give a support, "
            "or allow more (max_transforms=…)"
        )
    return f"residual {residual:.2g}: no image within the support was found; check its size, or allow more (max_transforms=…)"
