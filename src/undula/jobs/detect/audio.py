"""Detectors of generated speech: the power of wavelet packets in clips of one second."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import DataError, OptionError
from undula.jobs.detect.audio_clips import Recording, clips_of, find_recordings, read_recording, read_recordings
from undula.jobs.detect.audio_learning import Clips, learn_sentences
from undula.jobs.detect.card import HeldOut, calibrate
from undula.jobs.detect.features.sound import band_powers
from undula.jobs.detect.judging import Judged, log_odds, verdict
from undula.jobs.detect.keeping import read_detector, write_detector
from undula.jobs.detect.learning import mean_logits
from undula.spectra.wavelets.banks import read_bank

KIND = "audio detector"
_LEAST = 2  # sentences: one to learn from, one to test


class AudioDetector:
    """Tells generated speech from recorded speech by the power of its wavelet packets.

    Args:
        wavelet: Of the packets.
        level: Of the packets; 8 makes 256 bands.
        seconds: Length of a clip.
        penalty: Of the logistic regression, `1 / C` of scikit-learn.
        folds: How many classifiers are averaged, each trained without the sentences of one fold.
        rate: Wanted rate of false alarms (and of misses) of clips; what lies between the two thresholds is "unsure".
        seed: Seed of the folds.

    When it fails: other voices, microphones, vocoders and codecs than those of its training.

    Example:
        >>> listener = AudioDetector(level=6, seconds=0.5)  # then fit("recorded/", "vocoded/"), predict("inbox/")
        >>> listener.features(torch.zeros(3, 11025)).shape
        torch.Size([3, 64])
    """

    def __init__(
        self, *, wavelet: str = "sym5", level: int = 8, seconds: float = 1.0, penalty: float = 1.0, folds: int = 5,
        rate: float = 0.01, seed: int = 0,
    ) -> None:  # fmt: skip
        self.wavelet, self.level, self.seconds, self.penalty = wavelet, level, seconds, penalty
        self.folds, self.rate, self.seed = folds, rate, seed
        self.members: list[nn.Module] = []
        self.held_out: HeldOut | None = None
        self.unreadable: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    @property
    def classes_(self) -> tuple[str, ...]:
        """Names of the classes, "real" first."""
        return tuple(self.facts.get("classes", ()))

    def fit(
        self, real: Any, generated: Any, *, callback: Callable[[str, int], object] | None = None
    ) -> "AudioDetector":
        """Learn from recordings.

        Args:
            real: Recordings: a folder of WAV files, a file, or a list of these.
            generated: Generated ones likewise, or a dictionary of several generators by name.
            callback: Called with what is done ("clips", "learning") and how many of it.

        Returns:
            This detector.

        Raises:
            DataError: Nothing can be read, rates differ, or fewer than two sentences of a class are long enough.
            OptionError: An argument makes no sense.
        """
        self._check()
        told = callback or (lambda *_: None)
        named = dict(generated) if isinstance(generated, Mapping) else {"generated": generated}
        if not named or "real" in named:
            raise OptionError("got no generator, or one called 'real', expected at least one of another name")
        paths = {name: find_recordings(data, name=name) for name, data in {"real": real, **named}.items()}
        recordings, self.unreadable = read_recordings(paths)
        clips = self._clips(recordings)
        told("clips", len(clips.rows))
        learned = learn_sentences(
            clips, folds=self.folds, penalty=self.penalty, seed=self.seed, callback=lambda done: told("learning", done)
        )
        self.members = learned.members
        calibration = calibrate(learned.logits, clips.labels, classes=tuple(paths), rate=self.rate)
        self.held_out = HeldOut(learned.logits / calibration.temperature, clips.labels)
        figures = calibration.figures
        self.facts = {
            "classes": list(paths), "rate of samples": next(iter(recordings.values()))[0].rate,
            "temperature": calibration.temperature, "limits": list(calibration.limits),
            "card": {
                "clips": {name: int((clips.labels == place).sum()) for place, name in enumerate(paths)},
                "sentences": len(set(clips.sentences)), "unreadable": len(self.unreadable),
                "held out accuracy": figures.accuracy, "held out auc": figures.auc,
                "held out false alarms": figures.false_alarms, "held out detected": figures.detected,
                "confusion": figures.confusion,
                "use": "A score is evidence, not proof: other voices, vocoders and codecs were not learned.",
            },
        }  # fmt: skip
        return self

    def judge(self, data: Any) -> Iterator[Judged]:
        """Judge recordings one after the other.

        Args:
            data: As in `fit`.

        Yields:
            A row for every recording: the mean log-odds of its clips, and their standard deviation.

        Raises:
            OptionError: Nothing was fitted yet.
        """
        facts = self._fitted()
        for path in find_recordings(data):
            try:
                recording = read_recording(path)
                yield self._judged(recording, clips_of(recording, seconds=self.seconds), facts)
            except DataError as error:
                yield _unjudged(str(path), str(error))

    def predict(self, data: Any) -> list[str]:
        """The verdict on every recording.

        Args:
            data: As in `fit`.

        Returns:
            "real", "unsure" or "generated".
        """
        return [row.verdict for row in self.judge(data)]

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
        return write_detector(folder, self.members, kind=KIND, parameters=self._parameters(), facts=facts)

    @classmethod
    def load(cls, folder: str | Path) -> "AudioDetector":
        """Read what `save` wrote.

        Args:
            folder: The folder.

        Raises:
            DataError: A file is missing or damaged, of another version, no detector of speech, or was changed.
        """
        made, members, facts = read_detector(
            folder, cls, kind=KIND, wanted="detector of speech, expected one: train --audio",
            use=lambda facts: int(facts["rate of samples"]),
        )  # fmt: skip
        made.members, made.facts = members, facts
        return made

    def features(self, clips: Float[Tensor, "n time"]) -> Float[Tensor, "n features"]:
        """What is seen of clips.

        Args:
            clips: Sound in [-1, 1].
        """
        return band_powers(clips, level=self.level, wavelet=self.wavelet)

    def _clips(self, recordings: Mapping[str, list[Recording]]) -> Clips:
        rows, labels, sentences = [], [], []
        for place, (name, some) in enumerate(recordings.items()):
            cut = [(one.sentence, clips_of(one, seconds=self.seconds)) for one in some]
            long_enough = [(sentence, clips) for sentence, clips in cut if len(clips)]
            if len({sentence for sentence, _ in long_enough}) < _LEAST:
                raise DataError(
                    f"got {len(long_enough)} recordings of {name!r} of at least {self.seconds:g} s, expected {_LEAST} of "
                    "different names: add some"
                )
            for sentence, clips in long_enough:
                rows.append(self.features(clips))
                labels += [place] * len(clips)
                sentences += [sentence] * len(clips)
        return Clips(torch.cat(rows), torch.tensor(labels), sentences)

    def _judged(self, recording: Recording, clips: Tensor, facts: dict[str, Any]) -> Judged:
        wanted = facts["rate of samples"]
        if recording.rate != wanted:
            raise DataError(f"got {recording.rate} samples in a second, expected {wanted}, the rate of the training")
        if not len(clips):
            raise DataError(
                f"got {len(recording.samples) / recording.rate:.2f} s, expected at least {self.seconds:g} s"
            )
        logits = mean_logits(self.members, self.features(clips)) / facts["temperature"]
        scores, mean = log_odds(logits), logits.mean(dim=0, keepdim=True)
        probabilities, score = mean.softmax(dim=1)[0], float(log_odds(mean))
        lower, upper = facts["limits"]
        return Judged(
            recording.path, 1 - float(probabilities[0]), verdict(score, (lower, upper)), score,
            float(scores.std(correction=0)), tuple(probabilities.tolist()), self.classes_[int(probabilities.argmax())],
            None, None, "WAV", None, f"{len(clips)} clips",
        )  # fmt: skip

    def _parameters(self) -> dict[str, Any]:
        names = inspect.signature(AudioDetector.__init__).parameters
        return {name: getattr(self, name) for name in names if name != "self"}

    def _check(self) -> None:
        read_bank(self.wavelet)
        if self.level not in range(1, 13) or not 0.05 <= self.seconds < math.inf:
            raise OptionError(
                f"got level={self.level}, seconds={self.seconds}, expected a level of 1 to 12 and at least 0.05 seconds"
            )
        if not 0 < self.rate < 0.5 or self.folds < _LEAST or self.penalty <= 0:
            raise OptionError(
                f"got rate={self.rate}, folds={self.folds}, penalty={self.penalty}, expected a rate between 0 and 0.5, at "
                f"least {_LEAST} folds and a positive penalty"
            )

    def _fitted(self) -> dict[str, Any]:
        if not self.members:
            raise OptionError("got a detector that has learned nothing, expected a trained one: fit it, or load one")
        return self.facts


def _unjudged(path: str, note: str) -> Judged:
    none = math.nan
    return Judged(path, none, "unsure", none, none, (), "", None, None, "", None, note)
