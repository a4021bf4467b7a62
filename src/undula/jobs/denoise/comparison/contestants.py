"""The losses that are compared: one row each, trained alike."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from undula.errors import OptionError
from undula.losses import LOSS_SCALES, loss_from_text

CONTROL = "mse"
_ALONE = (CONTROL, "l1", "charbonnier")  # the others say nothing of brightness or place, and go with a squared error


@dataclass(frozen=True)
class Contestant:
    """A loss in the comparison.

    Attributes:
        name: What its row is called: a word of `undula.losses.loss_from_text`, or the whole text.
        loss: The loss as text.
    """

    name: str
    loss: str

    @classmethod
    def of(cls, text: str) -> "Contestant":
        """Read a word or a text.

        Args:
            text: A word, which stands for 0.8*mse+0.2*word but for `mse`, `l1` and `charbonnier`, which stand alone; or a
                mix such as 0.9*mse+0.1*bands, which is taken as it is.

        Raises:
            OptionError: It is no loss; the nearest words are told.

        Example:
            >>> Contestant.of("bands").loss, Contestant.of("l1").loss, Contestant.of("1*bands").loss
            ('0.8*mse+0.2*bands', 'l1', '1*bands')
        """
        name = re.sub(r"\s", "", text)
        mixed = "*" in name or "+" in name or name in _ALONE
        made = cls(name, name if mixed else f"0.8*{CONTROL}+0.2*{name}")
        loss_from_text(made.loss)
        return made

    @property
    def file(self) -> str:
        """Its loss as the name of a folder."""
        return "loss-" + self.loss.replace("*", "x")


def read_contestants(texts: Sequence[str] = ()) -> tuple[Contestant, ...]:
    """The control, the squared error, and behind it every other loss once.

    Args:
        texts: Words and mixes (`Contestant.of`); all words of `loss_from_text` if there are none.

    Returns:
        The contestants.

    Raises:
        OptionError: One is no loss, or there is none but the control.

    Example:
        >>> [one.name for one in read_contestants(["bands", "l1", "bands"])]
        ['mse', 'bands', 'l1']
    """
    named: dict[str, Contestant] = {}
    for one in map(Contestant.of, (CONTROL, *(texts or LOSS_SCALES))):
        named.setdefault(one.loss, one)
    if len(named) < 2:
        raise OptionError(f"got no loss but {CONTROL!r}, expected one to compare with it: name another")
    return tuple(named.values())
