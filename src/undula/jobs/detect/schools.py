"""From the arguments of a detector to what it sees and how it learns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from undula.errors import OptionError
from undula.jobs.detect.convolutions import Training, learn_crops
from undula.jobs.detect.features import WORDS, Features, FeatureWord, Pieces, Seen, side_for
from undula.jobs.detect.learning import Learned, learn
from undula.jobs.detect.matching import Match, header_facts
from undula.jobs.detect.perceptrons import Schooling
from undula.jobs.detect.reading import Source
from undula.nets import PacketCNN

ModelWord = Literal["logistic", "mlp", "cnn"]
LEAST = 8
"""Least pictures of a class."""
_CROPS = 4  # of each picture to learn from


@dataclass(frozen=True, kw_only=True)
class School:
    """What a detector sees and how it learns, by the arguments of `Detector`.

    Raises:
        OptionError: An argument makes no sense.
    """

    features: str | None
    model: str
    wavelet: str
    level: int
    mode: str
    offset: float
    penalty: float
    folds: int
    robust: bool
    epochs: int
    seed: int

    def __post_init__(self) -> None:
        if self.features is not None and self.features not in WORDS:
            raise OptionError(f"got features={self.features!r}, expected one of {', '.join(WORDS)}")
        if self.model not in ("logistic", "mlp", "cnn"):
            raise OptionError(f"got model={self.model!r}, expected 'logistic', 'mlp' or 'cnn': choose one")
        if self.model == "cnn" and self.features not in (None, "packets", "pixels"):
            raise OptionError(f"got features={self.features!r} with model='cnn', expected 'packets' or 'pixels'")
        if not 2 <= self.folds <= LEAST or self.penalty <= 0 or self.epochs < 1:
            raise OptionError(
                f"got folds={self.folds}, penalty={self.penalty}, epochs={self.epochs}, expected 2 to {LEAST} folds, a "
                "positive penalty and at least one epoch"
            )
        if self.model == "cnn":
            self._network(2)  # raises what it has against wavelet, level and offset
        self._features()

    def seen(self, classes: Sequence[Sequence[Source]], match: Match | None) -> tuple[Seen, Seen]:
        """What is looked at while it learns, and when it judges.

        Args:
            classes: Pictures of every class; a cnn reads the sizes in their headers.
            match: How pictures are cut first.

        Returns:
            Features for both; the same but for crops, of which there are more of a picture that is judged.

        Raises:
            DataError: Pictures are too small for any crop.
        """
        if self.model != "cnn":
            return self._features(), self._features()
        if match is None:
            known = [facts for one in classes for source in one if (facts := header_facts(source)) is not None]
            sizes = [(facts.height, facts.width) for facts in known]
        else:
            sizes = [(match.side, match.side)]
        side = side_for(sizes)
        one = all(max(size) == side for size in sizes)
        return Pieces(side=side, most=1 if one else _CROPS), Pieces(side=side, mirrored=True)

    def learn(
        self,
        rows: Shaped[Tensor, "n *d"],
        copies: Float[Tensor, "n copies d"],
        labels: Int[Tensor, " n"],
        *,
        callback: Callable[[int], object],
    ) -> Learned:
        """Train the classifiers.

        Args:
            rows: Features, or crops.
            copies: Features of degraded copies.
            labels: Classes.
            callback: Called with the number of classifiers that are ready.
        """
        if self.model == "cnn":
            training = Training(epochs=self.epochs, share=Training.share if self.robust else 0.0)
            return learn_crops(
                rows, labels, network=self._network, training=training, seed=self.seed, callback=callback
            )
        return learn(
            rows, labels, model=self.model, folds=self.folds, penalty=self.penalty, seed=self.seed,
            schooling=Schooling(epochs=self.epochs), copies=copies if copies.shape[1] else None,
            views=self._features().views, callback=callback,
        )  # fmt: skip

    def _features(self) -> Features:
        kind = cast(FeatureWord, self.features or "packet-statistics")
        return Features(kind=kind, wavelet=self.wavelet, level=self.level, mode=self.mode, offset=self.offset)

    def _network(self, classes: int) -> PacketCNN:
        inputs: Literal["packets", "pixels"] = "pixels" if self.features == "pixels" else "packets"
        return PacketCNN(classes, inputs=inputs, wavelet=self.wavelet, level=self.level, offset=self.offset)
