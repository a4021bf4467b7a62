"""The loop that all methods share: a rolling pool of trials, probed every few iterations, restarted, and released.

A trial is one run of one item. The pool holds as many trials as fit a core's cache; when one is solved or gives up,
the next one takes its place, so that the batch stays full until the last trials.
"""

from collections.abc import Callable

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from undula.jobs.recover.found import Found, Progress
from undula.jobs.recover.method import Method
from undula.jobs.recover.pool import Pool
from undula.jobs.recover.problem import Problem
from undula.jobs.recover.supports import Support


def search(
    problem: Problem,
    method: Method,
    support: Support,
    *,
    target: Float[Tensor, " t"],
    seeds: Int[Tensor, " t"],
    starts: int,
    max_transforms: int,
    image: Shaped[Tensor, "t *space"] | None = None,
    callback: Callable[[int, Progress], object] | None = None,
) -> Found:
    """Run every trial until its residual is below its target, or its starts or its transforms are used up.

    Args:
        problem: One row per trial.
        method: What makes an iteration.
        support: Where the object may be.
        target: Residual below which a trial is accepted.
        seeds: Seed of every trial.
        starts: Greatest number of starts of a trial.
        max_transforms: Transforms after which a trial takes no new start and ends at its next look.
        image: Where the first start of every trial begins; None is at random.
        callback: Called with the number of the iteration and a `Progress`.

    Returns:
        The best image of every trial and how it was come by.
    """
    pool = Pool(problem, method, support, target=target, seeds=seeds, image=image)
    step = 0
    while pool.fill():
        for place in range(method.block):
            pool.iterate(place)
            step += 1
            if callback is not None:
                callback(step, pool.progress())
        pool.look()
        pool.release(starts=starts, max_transforms=max_transforms)
    return pool.found
