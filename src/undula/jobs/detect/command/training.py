"""`undula detect train`: from folders of real and generated pictures to the folder of a detector."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.detect.classes import read_classes
from undula.jobs.detect.command.listening import refuse_for_audio, train_audio
from undula.jobs.detect.command.naming import as_typed, name_generators, typed_words
from undula.jobs.detect.command.training_page import card_rows, guard_rows, write_training
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.features import FeatureWord
from undula.jobs.detect.schools import ModelWord
from undula.session import PARTLY, Options, Session

_FOLDER = Group("Where it goes", sort_key=0)
_LEARNT = Group("What is learned", sort_key=1)
_SURE = Group("How sure it must be", sort_key=2)


def train_detector(
    *inputs: Annotated[str, Parameter(metavar="REAL GENERATED [MORE…]", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-detect-model"),
    features: Annotated[FeatureWord | None, Parameter(group=_LEARNT)] = None,
    model: Annotated[ModelWord, Parameter(group=_LEARNT)] = "logistic",
    wavelet: Annotated[str | None, Parameter(group=_LEARNT)] = None,
    level: Annotated[int | None, Parameter(group=_LEARNT)] = None,
    epochs: Annotated[int, Parameter(group=_LEARNT)] = 20,
    robust: Annotated[bool | None, Parameter(group=_LEARNT)] = None,
    softened: Annotated[bool, Parameter(group=_LEARNT, negative="")] = False,
    sharpened: Annotated[bool, Parameter(group=_LEARNT, negative="")] = False,
    rediffused: Annotated[bool, Parameter(group=_LEARNT, negative="")] = False,
    audio: Annotated[bool, Parameter(group=_LEARNT, negative="")] = False,
    fpr: Annotated[float, Parameter(group=_SURE, metavar="SHARE")] = 0.01,
    match: Annotated[bool, Parameter(group=_SURE, negative="")] = False,
    guard: Annotated[Literal["refuse", "warn", "off"], Parameter(group=_SURE)] = "refuse",
    options: Options = Options(),  # noqa: B008
) -> int:
    """Train a detector on a folder of real pictures and folders of generated ones.

    The first folder holds real pictures, each other one those of one generator. Before anything is learned the bias guard
    compares the files: where format, JPEG tables or size already tell the sides apart, it refuses. Beside the detector stands
    what sees no trace of a generator (metadata, colors of 8 × 8 blocks, the place of a JPEG grid); where that is as good, the
    folders differ in content, and nothing may be claimed. The output folder holds the detector, `model.safetensors` and
    `config.json` with its model card, and a page `index.html`.

    ```
    undula detect train photos/ generated/ -o my-detector
    undula detect train photos/ stylegan/ diffusion/ --model cnn -o sources
    undula detect train photos/ generated/ --match --fpr 0.001
    undula detect train photos/ generated/ --features spectra --model mlp --softened --sharpened --rediffused
    undula detect train cifake:train:real cifake:train:generated --model mlp
    undula detect train recorded/ vocoded/ --audio -o my-listener
    ```

    Exit status: 0 trained; 1 trained, but nothing may be claimed, or some pictures could not be read; 2 wrong call or input,
    or the guard refused; 130 interrupted.

    Args:
        inputs: A folder of real pictures, then one of each generator; or named sets.
        output: Folder of the detector; it is made if it is not there.
        features: What is seen of a picture: packet-statistics (if not given), radial, and spectra, which is both, suit any
            size, others need pictures of one size; the cnn takes packets (if not given) or pixels, of any size.
        model: logistic, linear and fast; mlp, a small perceptron; or cnn, a convolutional network, which takes minutes.
        wavelet: Wavelet of the packets: haar if not given, sym5 of speech.
        level: Level of the packets: 3 if not given, 8 of speech.
        epochs: How often a perceptron or the cnn sees every picture.
        robust: Learn pictures also after compression, noise, blur, crops and resizing: yes if not given; it takes about three
            times as long.
        softened: Learn every second real picture, made softer, as a generated one: for decoders that were never seen. Take
            --features spectra --model mlp with it.
        sharpened: The same with pictures made sharper, for generators sharper than photographs; of two such classes each gets a
            third of the real pictures.
        rediffused: The same with pictures that a small diffusion model, trained on yours in about a minute, noised and brought
            back: for diffusion models that were never seen.
        audio: Learn from WAV files in place of pictures: clips of one second, the power of 256 bands of packets. Files of one
            sentence, 07.wav and 07_gen.wav, are cut to one length and never stand in learning and testing both.
        fpr: Wanted rate of false alarms, and of misses; what lies between the two thresholds is unsure.
        match: Cut all pictures to one size and compress them alike first, so that neither tells them apart.
        guard: Whether differing files end the call, are only reported, or are not looked for.
        options: Options of every command.
    """
    if len(inputs) < 2:
        raise OptionError(
            f"got {len(inputs)} folders, expected real pictures and generated ones: undula detect train photos/ generated/"
        )
    if audio:
        refuse_for_audio(
            features=(features, None), model=(model, "logistic"), robust=(robust, None), match=(match, False),
            epochs=(epochs, 20), guard=(guard, "refuse"), softened=(softened, False), sharpened=(sharpened, False),
            rediffused=(rediffused, False),
        )  # fmt: skip
        return train_audio(inputs, output, wavelet=wavelet, level=level, fpr=fpr, options=options)
    session = Session(options)
    with typed_words():
        detector = Detector(
            features=features, model=model, wavelet=wavelet or "haar", level=3 if level is None else level, epochs=epochs,
            rate=fpr, match=match, guard=guard, robust=robust is not False, softened=softened, sharpened=sharpened,
            rediffused=rediffused, seed=options.seed,
        )  # fmt: skip
        fit_with_bar(detector, inputs[0], name_generators(inputs[1:]), session)
    return tell_trained(detector, output, session)


def fit_with_bar(detector: Detector, real: str, generated: dict[str, str], session: Session) -> None:
    """Train, and show how far it is.

    Args:
        detector: The detector.
        real: Real pictures, as typed.
        generated: Generated ones, by the name of their generator.
        session: Bar, and where unreadable pictures are named.

    Raises:
        UndulaError: What `Detector.fit` raises.
    """
    seen: dict[str, int] = {}
    sources = read_classes(real, generated)
    with session.bar("pictures", sum(map(len, sources.values()))) as bar:

        def show(what: str, done: int) -> None:
            if what not in ("learning", "rediffusion"):
                seen[what] = done
            bar.update(sum(seen.values()), detail=f"{what} {done}{' %' if what == 'rediffusion' else ''}")

        detector.fit(sources["real"], {name: some for name, some in sources.items() if name != "real"}, callback=show)
    for name, why in detector.unreadable.items():
        session.fail(name, f"{name}: {why}")


def tell_trained(detector: Detector, output: Path, session: Session) -> int:
    """Write a detector and its page, and say what it can.

    Args:
        detector: A trained one.
        output: Folder of the detector.
        session: What is said, and to whom.

    Returns:
        The exit status.
    """
    detector.save(output)
    write_training(detector, output)
    card = detector.facts["card"]
    session.table(*guard_rows(detector))
    session.table(*card_rows(detector))
    report = detector.report
    if report is not None and not report.passed:
        session.note(as_typed(report.advice))
    told = "" if report is None else f"{as_typed(report.advice)}. "
    session.say(
        f"{told}A score is evidence, not proof: undula detect score PICTURES --model {output}; see {output / 'index.html'}"
    )
    session.answer(
        plain(
            {
                "command": "detect train", "folder": str(output), "failed": session.failures, "classes": detector.classes_,
                "card": card, "report": None if report is None else asdict(report), "limits": detector.facts["limits"],
            }
        )
    )  # fmt: skip
    refused = report is not None and not report.forensic and detector.guard != "off"
    return PARTLY if refused else session.status
