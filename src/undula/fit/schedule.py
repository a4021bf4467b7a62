"""What changes with the step: the learning rate and the memory of the average."""

import math

from undula.fit.plan import Plan


def learning_rate(plan: Plan, step: int) -> float:
    """Learning rate of a step: a straight line up to r, then r (f + (1 - f) (1 + cos πs) / 2), s = 0…1.

    Args:
        plan: Its rate r, warm-up, share f of the last rate, and number of steps.
        step: Steps done before this one, 0…steps - 1.

    Returns:
        The rate; the last step is one step short of the full fall.

    Example:
        >>> plan = Plan(steps=6, batch=1, rate=1.0, warmup=2)
        >>> [round(learning_rate(plan, step), 3) for step in range(6)]
        [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < plan.warmup:
        return plan.rate * (step + 1) / plan.warmup
    share = (step - plan.warmup) / (plan.steps - plan.warmup)
    return plan.rate * (plan.final_rate + (1 - plan.final_rate) * (1 + math.cos(math.pi * share)) / 2)


def average_decay(plan: Plan, step: int) -> float:
    """Share of the old average that a step keeps, min(decay, (1 + t) / (10 + t)).

    At the beginning the weights are far from good and the average forgets them sooner.

    Args:
        plan: Its decay.
        step: Steps done before this one, t.

    Returns:
        The share in [0, 1).

    Example:
        >>> [average_decay(Plan(steps=9, batch=1, rate=1.0, ema=0.5), step) for step in (0, 8)]
        [0.1, 0.5]
    """
    return min(plan.ema, (1 + step) / (10 + step))
