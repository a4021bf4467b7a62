"""One iteration of every projection method, from the same two projections.

`project` goes to the nearest object (support and bounds), `impose` to the nearest array with the measured moduli. In
all of them an object that satisfies both stays where it is.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from undula.jobs.recover.projections import Projection

ProjectionMethod = Literal["rrr", "raar", "hio", "er"]
Rule = Callable[[Tensor, Projection, Projection, float], Tensor]


def relaxed_reflect_reflect(x: Tensor, project: Projection, impose: Projection, beta: float) -> Tensor:
    """X + β (P_M(2 P_S x - x) - P_S x), support first; β = 1 is Douglas-Rachford (Elser, 2003 and 2018)."""
    estimate = project(x)
    return torch.add(x, impose(torch.lerp(x, estimate, 2.0)).sub_(estimate), alpha=beta)


def relaxed_averaged_alternating_reflections(x: Tensor, project: Projection, impose: Projection, beta: float) -> Tensor:
    """β/2 (R_S R_M + 1) x + (1 - β) P_M x with R = 2P - 1 (Luke, 2005)."""
    imposed = impose(x)
    reflected = 2 * imposed - x
    return beta * (project(reflected) - imposed + x) + (1 - beta) * imposed


def hybrid_input_output(x: Tensor, project: Projection, impose: Projection, beta: float) -> Tensor:
    """P_M x where it satisfies the object's constraints, elsewhere x - β (P_M x - P_S P_M x) (Fienup, 1982).

    For support and positivity P_S P_M x is zero wherever it differs from P_M x, which gives Fienup's x - β P_M x.
    """
    imposed = impose(x)
    projected = project(imposed)
    return torch.where(projected == imposed, imposed, x - beta * (imposed - projected))


def error_reduction(x: Tensor, project: Projection, impose: Projection, beta: float) -> Tensor:
    """P_S P_M x (Gerchberg and Saxton, 1972; Fienup, 1982): the misfit never grows, and soon no longer falls."""
    return project(impose(x))


# (iteration, β, whether the estimate is P_S x or P_S P_M x). Of rrr, β 0.7, 0.8 and 0.9
# needed 293, 289 and 300 transforms a digit in the prototype (1,000 digits, one seed: hardly different); raar and hio
# have their authors' usual values, er has none.
RULES: dict[ProjectionMethod, tuple[Rule, float, bool]] = {
    "rrr": (relaxed_reflect_reflect, 0.8, False),
    "raar": (relaxed_averaged_alternating_reflections, 0.9, True),
    "hio": (hybrid_input_output, 0.9, True),
    "er": (error_reduction, 1.0, False),
}
