"""The rolling pool of trials at work."""

import torch
from torch import Tensor

from undula.jobs.recover.found import Found, Progress
from undula.jobs.recover.method import Method
from undula.jobs.recover.polish import polish
from undula.jobs.recover.problem import Problem
from undula.jobs.recover.projections import impose_object
from undula.jobs.recover.supports import Support

# Real numbers of the spectra in the pool: 119 digits of 28 × 28. An iteration of 78 or 156 digits took 3.2 µs a
# transform, of 312 4.4 µs (the arrays no longer fit the cache); fewer make the calls too small.
POOL_NUMBERS = 100_000


class Pool:
    """The trials at work: index of each, its state, the number of its start and the age of that start."""

    def __init__(
        self, problem: Problem, method: Method, support: Support, *, target: Tensor, seeds: Tensor, image: Tensor | None
    ) -> None:
        self.all, self.method, self.support = problem, method, support
        self.target, self.seeds, self.image = target, seeds, image
        count, device = len(seeds), seeds.device
        dtype = problem.moduli.dtype if problem.real else torch.view_as_complex(problem.moduli.new_zeros(1, 2)).dtype
        long = torch.zeros(count, dtype=torch.long, device=device)
        self.found = Found(
            image=torch.zeros(count, *problem.shape, dtype=dtype, device=device),
            residual=torch.full_like(target, torch.inf),
            accepted=torch.zeros(count, dtype=torch.bool, device=device),
            transforms=long,
            starts=long.clone(),
            mask=support.first(problem, long),
            blur=method.first_blur(problem),
        )
        self.capacity = max(1, POOL_NUMBERS // max(1, problem.moduli[0].numel() * 2))
        self._accept_start(image)
        self._accept_nothing()
        self.waiting = (~self.found.accepted).nonzero()[:, 0]
        self.trials = long[:0]
        self.start = long[:0]
        self.age = long[:0]
        self.problem = problem.take(self.trials)
        self.state: dict[str, Tensor] = {}
        self.mask: Tensor | None = None

    def fill(self) -> bool:
        """Take waiting trials until the pool is full; False when nobody is left."""
        room = self.capacity - len(self.trials)
        new, self.waiting = self.waiting[:room], self.waiting[room:]
        if len(new):
            self._begin(new, first=True)
        return len(self.trials) > 0

    def iterate(self, place: int) -> None:
        """One iteration of every trial in the pool; `place` counts within the block, which all trials share."""
        if self.mask is not None and self.support.every and place % self.support.every == 0:
            estimate = self.method.estimate(self.problem, self.state, mask=None)
            self.mask = self.support.update(self.mask, estimate, start=self.start, age=self.age)
            self._spend(self.method.estimate_transforms + self.support.update_transforms)
        seeds = self.seeds[self.trials]
        self.method.step(self.problem, self.state, mask=self.mask, age=self.age, seeds=seeds)
        self.age += 1

    def look(self) -> None:
        """Measure (and polish a copy of) every estimate; keep the best of each trial."""
        method, problem = self.method, self.method.view(self.problem, self.state)
        spent = method.block * method.step_transforms + method.block_transforms(problem) + method.estimate_transforms
        estimate = method.estimate(self.problem, self.state, mask=self.mask)
        if method.probe is None:
            self._spend(spent + 1)
            self._keep(estimate, problem.residual(estimate))
            return
        polished = polish(
            problem,
            estimate,
            mask=self.mask if self.support.binding else None,
            target=self.target[self.trials],
            steps=method.probe.steps,
            patient=method.probe.patient,
        )
        self._spend(polished.transforms + spent)
        self._keep(polished.image, polished.residual)

    def release(self, *, starts: int, max_transforms: int) -> None:
        """Let solved and exhausted trials go, and begin anew those whose start has lasted its time."""
        found, trials = self.found, self.trials
        over = self.age >= self.method.length(self.start)
        spent = found.transforms[trials] >= max_transforms
        gone = found.accepted[trials] | spent | (over & (found.starts[trials] >= starts))
        again = self._successors(trials[over & ~gone], starts=starts)
        if self.mask is not None and found.mask is not None and self.support.every:
            found.mask[trials[gone]] = self.mask[gone]
        if found.blur is not None and "blur" in self.state:
            found.blur[trials[gone]] = self.state["blur"][gone]
        self._retain((~gone & ~over).nonzero()[:, 0])
        if len(again):
            self._begin(again, first=False)

    def progress(self) -> Progress:
        """What a callback sees."""
        problem, state, mask = self.problem, dict(self.state), self.mask
        return Progress(
            done=len(self.seeds) - len(self.waiting) - len(set(self.trials.tolist())),
            total=len(self.seeds),
            solved=int(self.found.accepted.sum()),
            trials=self.trials,
            estimate=lambda: self.method.estimate(problem, state, mask=mask),
            found=self.found,
        )

    def _accept_start(self, image: Tensor | None) -> None:
        """A start that fits already is the answer, untouched."""
        if image is None:
            return
        fits = impose_object(self.all, image, self.found.mask if self.support.binding else None) == image
        residual = self.all.residual(image)
        inside = fits.reshape(len(fits), -1).all(dim=1)
        accepted = inside & (residual < self.target)
        self.found.image[accepted] = image[accepted]
        self.found.residual[accepted] = residual[accepted]
        self.found.accepted[:] = accepted
        self.found.transforms[:] += 1

    def _accept_nothing(self) -> None:
        """An item without magnitudes is a zero image; dividing by its energy would make NaN of it."""
        zero = torch.zeros_like(self.found.image[:1])
        if bool((impose_object(self.all, zero, None) == zero).all()):
            nothing = self.all.energy == 0
            self.found.image[nothing] = 0
            self.found.residual[nothing] = 0
            self.found.accepted[nothing] = True

    def _successors(self, ended: Tensor, *, starts: int) -> Tensor:
        """The trials that begin anew: one start for each that ended, a volley after a trial's first ones.

        Hard trials would otherwise walk on alone, start after start, in a batch too small to be worth a call. The rule
        looks at the trial only, so that no result depends on the batch.
        """
        first = self.found.starts[ended] == self.method.alone
        count = torch.where(first, self.method.volley, 1)
        again = ended.repeat_interleave(count)
        number = self.found.starts[again] + _rank(again)
        return again[number < starts]

    def _begin(self, trials: Tensor, *, first: bool) -> None:
        problem = self.all.take(trials)
        start = self.found.starts[trials] + _rank(trials)
        image = self.image[trials] if first and self.image is not None else None
        state = self.method.begin(problem, self.seeds[trials], start, image)
        self.found.starts.index_add_(0, trials, torch.ones_like(trials))
        mask = self.support.of(trials).first(problem, start)
        self.state = {key: torch.cat([self.state[key], value]) if self.state else value for key, value in state.items()}
        self.mask = mask if self.mask is None or mask is None else torch.cat([self.mask, mask])
        self.trials = torch.cat([self.trials, trials])
        self.start = torch.cat([self.start, start])
        self.age = torch.cat([self.age, torch.zeros_like(trials)])
        self.problem = self.all.take(self.trials)
        if image is None:
            cost = torch.full_like(trials, self.method.begin_transforms(problem))
            self.found.transforms.index_add_(0, trials, cost)

    def _retain(self, index: Tensor) -> None:
        if len(index) == len(self.trials):
            return
        self.trials, self.start, self.age = self.trials[index], self.start[index], self.age[index]
        self.state = {key: value[index] for key, value in self.state.items()} if len(index) else {}
        self.mask = None if self.mask is None or not len(index) else self.mask[index]
        self.problem = self.all.take(self.trials)

    def _spend(self, transforms: Tensor | int) -> None:
        """Count transforms; several starts of a trial may be at work."""
        cost = torch.zeros_like(self.trials) + transforms
        self.found.transforms.index_add_(0, self.trials, cost)

    def _keep(self, estimate: Tensor, residual: Tensor) -> None:
        """Note the best estimate of every trial, of several starts the one of least residual."""
        found, trials = self.found, self.trials
        least = torch.full_like(found.residual, torch.inf).scatter_reduce(0, trials, residual, "amin")
        lead = residual == least[trials]
        better = lead & (residual < found.residual[trials])
        found.image[trials[better]] = estimate[better]
        found.residual[trials[better]] = residual[better]
        found.accepted[trials] = found.residual[trials] < self.target[trials]
        row = torch.stack([trials.double(), found.transforms[trials].double(), residual.double()], dim=1)
        found.history.append(row[lead])


def _rank(values: Tensor) -> Tensor:
    """How many equal values stand before each: 0 for the first of its kind."""
    order = torch.argsort(values, stable=True)
    ordered = values[order]
    place = torch.arange(len(values), device=values.device)
    begins = torch.ones_like(ordered, dtype=torch.bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    head = torch.where(begins, place, 0).cummax(dim=0).values if len(values) else place
    rank = torch.empty_like(place)
    rank[order] = place - head
    return rank
