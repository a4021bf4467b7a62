"""Detectors: trained on real and generated pictures, kept, asked."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from undula.errors import DataError, OptionError
from undula.jobs.detect.card import HeldOut, calibrate, model_facts
from undula.jobs.detect.classes import read_classes
from undula.jobs.detect.degradations import ENSEMBLE, Degradation
from undula.jobs.detect.evaluation import Evaluation, evaluated
from undula.jobs.detect.extraction import extract, without_twins
from undula.jobs.detect.features import Features, FeatureWord, Seen, read_features
from undula.jobs.detect.guard import BiasReport
from undula.jobs.detect.imitations import with_imitations
from undula.jobs.detect.judging import Judged, Word, judged
from undula.jobs.detect.keeping import read_detector, write_detector
from undula.jobs.detect.learning import mean_logits
from undula.jobs.detect.matching import Match, match_for
from undula.jobs.detect.one_thread import made_on_one_thread, one_thread
from undula.jobs.detect.reading import find_sources
from undula.jobs.detect.schools import LEAST, ModelWord, School
from undula.jobs.detect.suspicion import refuse_biased, suspected

_KIND = "detector"


class Detector:
    """Tells generated pictures from real ones by what their makers leave in the spectrum.

    Args:
        features: What is seen of a picture: of any size "packet-statistics", "radial", or "spectra", both with classifiers of
            their own; or "packets", "dct", "fourier", "pixels"; None takes the statistics, and for the cnn "packets", beside
            which it knows "pixels" alone.
        model: "logistic", linear and calibrated as it comes; "mlp", a small perceptron; "cnn", a convolutional network on crops
            of at most 64 pixels, for pictures of any size, which is better and takes minutes.
        wavelet: Of the packets.
        level: Of the packets.
        mode: Boundary mode of the packets; of the cnn always periodic.
        offset: Added before the logarithm; 1/255 is one grey level.
        penalty: Of the logistic regression, `1 / C` of scikit-learn.
        folds: How many classifiers are averaged, each trained without one fold of the pictures; of the cnn there is one.
        rate: Wanted rate of false alarms (and of misses); what lies between the two thresholds is "unsure".
        guard: "refuse" raises where the files of the classes differ, "warn" only writes it into the report, "off" looks at
            nothing.
        match: Whether all pictures are cut to one size and compressed alike first.
        robust: Whether pictures are learned after compression, noise, blur, crops and resizing too: two copies of each, and for
            the cnn anew in every epoch.
        softened: Whether every second real picture is learned as a generated one, with its high frequencies faded
            (`undula.jobs.detect.softened`): for generators that nobody has seen yet. It takes a model that can bend, "mlp".
        sharpened: The same with frequencies raised; with two such classes, a third of the real pictures each.
        rediffused: The same with pictures that a small diffusion model noised and brought back, which is trained on these real
            pictures first, in about a minute (`undula.jobs.detect.rediffused`).
        epochs: Of the perceptrons and the cnn.
        seed: Seed of all chance.

    When it fails: generators, cameras and compressions that it was not trained on. A score is evidence, not proof.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> sharp = torch.rand(40, 3, 16, 16, generator=generator)
        >>> smooth = torch.nn.functional.avg_pool2d(torch.rand(40, 3, 18, 18, generator=generator), 3, stride=1)
        >>> detector = Detector(level=2).fit(sharp, smooth)
        >>> detector.predict(smooth[:1])
        ['generated']
    """

    def __init__(
        self,
        *,
        features: FeatureWord | None = None,
        model: ModelWord = "logistic",
        wavelet: str = "haar",
        level: int = 3,
        mode: str = "symmetric",
        offset: float = 1 / 255,
        penalty: float = 10.0,
        folds: int = 3,
        rate: float = 0.01,
        guard: Literal["refuse", "warn", "off"] = "refuse",
        match: bool = False,
        robust: bool = True,
        softened: bool = False,
        sharpened: bool = False,
        rediffused: bool = False,
        epochs: int = 20,
        seed: int = 0,
    ) -> None:
        self.features, self.model, self.wavelet, self.level = features, model, wavelet, level
        self.mode, self.offset, self.penalty, self.folds = mode, offset, penalty, folds
        self.rate, self.guard, self.match, self.epochs, self.seed = rate, guard, match, epochs, seed
        self.robust, self.softened, self.sharpened, self.rediffused = robust, softened, sharpened, rediffused
        self.members: list[nn.Module] = []
        self.report: BiasReport | None = None
        self.held_out: HeldOut | None = None
        self.unreadable: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of this detector, as scikit-learn asks for them.

        Args:
            deep: Means nothing here.
        """
        return {name: getattr(self, name) for name in _parameters()}

    def set_params(self, **parameters: Any) -> "Detector":
        """Change arguments, as scikit-learn does.

        Args:
            **parameters: Arguments by name.

        Raises:
            OptionError: There is no such argument.
        """
        for name, value in parameters.items():
            if name not in _parameters():
                raise OptionError(f"got the argument {name!r}, expected one of {', '.join(_parameters())}")
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks whoever it validates; nobody else calls this."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        pictures = InputTags(two_d_array=False)
        wanted = TargetTags(required=True)
        return Tags(
            estimator_type="classifier", target_tags=wanted, classifier_tags=ClassifierTags(), input_tags=pictures
        )

    @property
    def classes_(self) -> tuple[str, ...]:
        """Names of the classes, "real" first."""
        return tuple(self.facts.get("classes", ()))

    def fit(self, real: Any, generated: Any, *, callback: Callable[[str, int], object] | None = None) -> "Detector":
        """Learn from pictures.

        Args:
            real: Real pictures: a folder, files, a named set (`cifake:train:real`), tensors (n, 3, h, w) in [0, 1].
            generated: Generated pictures likewise; a dictionary of several generators by name; or one label per picture of
                `real`, 0 for real and 1, 2, … for generators, as scikit-learn has it.
            callback: Called with what is done (the name of a class, "learning") and how many of it.

        Returns:
            This detector.

        Raises:
            DataError: Nothing can be read, too few pictures, or the bias guard refuses.
            OptionError: An argument of the detector makes no sense.
            ShapeError: Pictures of several sizes for features of one.
        """
        school = self._checked()
        told = callback or (lambda *_: None)
        imitations = [word for word in ("softened", "sharpened", "rediffused") if getattr(self, word)]
        sources = with_imitations(read_classes(real, generated), imitations, seed=self.seed, callback=told)
        match = match_for(list(sources.values()), seed=self.seed) if self.match else None
        in_training, seen = school.seen(list(sources.values()), match)
        seed = self.seed if self.robust else None
        with one_thread():
            found = [
                extract(one, in_training, match=match, robust=seed, callback=partial(told, name))
                for name, one in sources.items()
            ]
        kept = without_twins(found)
        for name, one in zip(sources, kept, strict=True):
            if len(one.rows) < LEAST:
                raise DataError(
                    f"got {len(one.rows)} different pictures of {name!r}, expected at least {LEAST}: add some"
                )
        if self.guard == "refuse":
            refuse_biased(kept)
        rows = torch.cat([one.rows for one in kept])
        labels = torch.cat([torch.full((len(one.rows),), place) for place, one in enumerate(kept)])
        learned = school.learn(
            rows, torch.cat([one.copies for one in kept]), labels, callback=lambda done: told("learning", done)
        )
        self.members = learned.members
        given = learned.labels < len(sources) - len(imitations)  # how sure it is of what was made here says nothing
        logits, labels = learned.logits[given], learned.labels[given]
        calibration = calibrate(logits, labels, classes=tuple(sources), rate=self.rate)
        self.unreadable = {name: why for one in found for name, why in one.failed.items()}
        self.held_out = HeldOut(logits / calibration.temperature, labels)
        theirs = found[: len(found) - len(imitations)]
        self.report = None if self.guard == "off" else suspected(theirs, calibration.figures.binary_accuracy)
        self.facts = {
            "features": seen.facts(), "match": match.facts() if match else None,
            **model_facts(found, kept, calibration, self.report),
        }  # fmt: skip
        return self

    def predict_proba(self, data: Any) -> Any:
        """Probabilities of the classes.

        Args:
            data: As in `fit`.

        Returns:
            Probabilities (n, classes), NaN for pictures that cannot be judged; a NumPy array if data is one.
        """
        rows = [row.probabilities or (float("nan"),) * len(self.classes_) for row in self.judge(data)]
        found = torch.tensor(rows, dtype=torch.float64)
        return found.numpy() if isinstance(data, np.ndarray) else found

    def predict(self, data: Any) -> list[Word]:
        """The verdict on every picture.

        Args:
            data: As in `fit`.

        Returns:
            "real", "unsure" or "generated"; of real pictures about a share `rate` is called generated.
        """
        return [row.verdict for row in self.judge(data)]

    def judge(self, data: Any, *, ensemble: bool = False, change: Degradation | None = None) -> Iterator[Judged]:
        """Judge pictures one after the other, in memory that does not grow with their number.

        Args:
            data: As in `fit`.
            ensemble: Whether a verdict has to outlive JPEG 90 and 75, a crop and half the size: one that turns into its
                opposite becomes "unsure".
            change: A degradation of every picture before all else.

        Yields:
            A row for every picture, in order; those that cannot be read have a note.

        Raises:
            OptionError: Nothing was fitted yet.
        """
        seen, match, size = _used(self._fitted())
        rows = judged(
            find_sources(data), features=seen, classify=self._classify, classes=self.classes_,
            limits=tuple(self.facts["limits"]), match=match, size=size, ensemble=ENSEMBLE if ensemble else None, change=change,
        )  # fmt: skip
        yield from made_on_one_thread(rows) if isinstance(seen, Features) else rows

    def evaluate(self, real: Any, generated: Any) -> Evaluation:
        """Figures on pictures whose makers are known.

        Args:
            real: As in `fit`.
            generated: As in `fit`; of several generators the names must be those of the training.

        Returns:
            Accuracy, area under the ROC curve, calibration error and more.

        Raises:
            DataError: A class that was not there in the training.
        """
        limits = tuple(self._fitted()["limits"])
        logits, labels, left_out = [], [], 0
        for name, sources in read_classes(real, generated).items():
            if name not in self.classes_:
                raise DataError(
                    f"got pictures of {name!r}, expected {', '.join(self.classes_)}: name them as in the training"
                )
            found = [row.probabilities for row in self.judge(sources)]
            good = [one for one in found if one]
            logits += good
            labels += [self.classes_.index(name)] * len(good)
            left_out += len(found) - len(good)
        values = torch.tensor(logits, dtype=torch.float64).log()
        return evaluated(values, torch.tensor(labels), classes=self.classes_, limits=limits, left_out=left_out)

    def score(self, real: Any, generated: Any) -> float:
        """Mean over the classes of the share of pictures that are put into their class.

        Args:
            real: As in `fit`.
            generated: As in `fit`.
        """
        return self.evaluate(real, generated).accuracy

    def save(self, folder: str | Path) -> Path:
        """Write `model.safetensors` and `config.json`, the model card inside.

        Args:
            folder: The folder; it is made if it is not there.

        Returns:
            The folder.

        Raises:
            OptionError: Nothing was fitted yet.
            DataError: It cannot be written.
        """
        facts = self._fitted()
        return write_detector(folder, self.members, kind=_KIND, parameters=self.get_params(), facts=facts)

    @classmethod
    def load(cls, folder: str | Path) -> "Detector":
        """Read what `save` wrote.

        Args:
            folder: The folder.

        Raises:
            DataError: A file is missing or damaged, of another version, no detector, or was changed.
        """
        wanted = "detector, expected one: train it"
        made, members, facts = read_detector(folder, cls, kind=_KIND, wanted=wanted, use=_used)
        made.members, made.facts = members, facts
        return made

    @classmethod
    def demo(cls) -> "Detector":
        """A small detector that comes with Undula, to try the commands with; it knows tiny pictures of one generator alone.

        Returns:
            Logistic regression on packet statistics, trained on CIFAKE: 2,500 photographs of 32 × 32 pixels and as many
            pictures by Stable Diffusion 1.4, all JPEG of quality 75. What it says of other pictures means nothing.
        """
        with as_file(files("undula.jobs.detect") / "demo") as folder:
            return cls.load(folder)

    def _checked(self) -> School:
        if self.guard not in ("refuse", "warn", "off"):
            raise OptionError(f"got guard={self.guard!r}, expected 'refuse', 'warn' or 'off': choose one")
        if not 0 < self.rate < 0.5:
            raise OptionError(f"got rate={self.rate}, expected a rate between 0 and 0.5")
        return School(**{field.name: getattr(self, field.name) for field in fields(School)})

    def _classify(self, rows: Tensor) -> Tensor:
        return mean_logits(self.members, rows) / self.facts["temperature"]

    def _fitted(self) -> dict[str, Any]:
        if not self.members:
            raise OptionError("got a detector that has learned nothing, expected a trained one: fit it, or load one")
        return self.facts


def _parameters() -> list[str]:
    return [name for name in inspect.signature(Detector.__init__).parameters if name != "self"]


def _used(facts: Mapping[str, Any]) -> tuple[Seen, Match | None, tuple[int, int] | None]:
    """Features, how pictures are matched, and the size that all must have."""
    match = Match(**facts["match"]) if facts["match"] else None
    height, width = facts["size"] or (0, 0)
    return read_features(facts["features"]), match, (int(height), int(width)) if facts["size"] else None
