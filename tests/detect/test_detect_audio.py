"""Speech: PyWavelets is the oracle of the powers; lengths, sentences and rates tell nobody who made a recording."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import pywt
import scipy.io.wavfile
import scipy.signal
import torch

from undula.cli import main
from undula.errors import DataError, OptionError, ShapeError
from undula.jobs.detect import AudioDetector, Detector
from undula.jobs.detect.audio_clips import Recording, clips_of, find_recordings, read_recordings, sentences_of
from undula.jobs.detect.audio_learning import Clips, learn_sentences
from undula.jobs.detect.features.sound import band_powers

RATE = 4000


def spoken(seconds, seed, *, hum=0.0):
    """Noise of another color for every sentence; who makes it loses the highest notes and leaves a hum."""
    chance = np.random.default_rng(seed)
    noise = scipy.signal.lfilter([1], [1, -0.3 - 0.1 * (seed % 5)], chance.normal(size=round(seconds * RATE)))
    tone = hum * np.sin(2 * np.pi * 1700 * np.arange(len(noise)) / RATE)
    return 0.1 * (noise / noise.std() + tone)


def write(folder, name, samples, rate=RATE):
    folder.mkdir(parents=True, exist_ok=True)
    scipy.io.wavfile.write(folder / name, rate, np.round(samples * 32767).astype(np.int16))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("audio")
    for number in range(6):
        seconds = 3.4 + number / 10
        write(root / "recorded", f"{number:02d}.wav", spoken(seconds, number))
        write(root / "vocoded", f"{number:02d}_gen.wav", np.append(spoken(seconds, number, hum=0.7), np.zeros(99)))
    return root


@pytest.fixture(scope="module")
def trained(place):
    return AudioDetector(level=6, seconds=0.5).fit(place / "recorded", place / "vocoded")


def test_powers_are_those_of_pywavelets(close):
    clips = torch.randn(2, 700, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 10
    for wavelet, level, step in (("sym5", 5, 2.0**-15), ("haar", 3, 1e-3)):
        nodes = pywt.WaveletPacket(clips[1].numpy(), wavelet, "symmetric", maxlevel=level).get_level(level, "freq")
        want = [np.log(node.data**2 + step**2).mean() for node in nodes]
        close(band_powers(clips, level=level, wavelet=wavelet, step=step)[1], np.array(want), times=100)


def test_a_tone_stands_in_its_band():
    time = torch.arange(8000) / 8000
    for band in (3, 20, 50):
        tone = torch.sin(2 * torch.pi * 4000 * (band + 0.5) / 64 * time)[None]
        assert int(band_powers(tone, level=6).argmax()) == band


def test_short_clips_are_refused():
    with pytest.raises(ShapeError, match="got clips of 500 samples, expected at least 512 for packets of level 8"):
        band_powers(torch.zeros(1, 500))


def test_recordings_of_one_sentence_are_cut_alike(place):
    found, failed = read_recordings({name: find_recordings(place / name) for name in ("recorded", "vocoded")})
    assert not failed
    for ours, theirs in zip(found["recorded"], found["vocoded"], strict=True):
        assert ours.sentence == theirs.sentence and len(ours.samples) == len(theirs.samples)
    assert len(found["recorded"][0].samples) == round(3.4 * RATE)


def test_names_tell_sentences():
    assert sentences_of(["LJ-1", "LJ-1_gen", "LJ-12", "LJ-2_gen", "other"]) == [
        "LJ-1",
        "LJ-1",
        "LJ-12",
        "LJ-2_gen",
        "other",
    ]


def test_clips_are_equal_and_the_rest_is_dropped():
    recording = Recording("a.wav", torch.arange(2500.0), 1000)
    assert torch.equal(clips_of(recording, seconds=1.0), torch.arange(2000.0).reshape(2, 1000))
    assert len(clips_of(recording, seconds=3.0)) == 0


def test_no_sentence_is_heard_before_it_judges_a_classifier():
    """Features that know the sentence and nothing else: clip by clip they would name the maker, by sentences they cannot."""
    sentences = [str(number % 12) for number in range(240)]
    labels = torch.tensor([number % 12 % 2 for number in range(240)])
    rows = torch.nn.functional.one_hot(torch.arange(240) % 12, 12).float()
    learned = learn_sentences(Clips(rows, labels, sentences), folds=12, penalty=1.0, seed=0)
    assert len(learned.members) == 12
    assert float((learned.logits.argmax(1) == labels).double().mean()) <= 0.5


def test_generated_speech_is_told(place, trained):
    card = trained.facts["card"]
    assert card["clips"] == {"real": 41, "generated": 41} and card["sentences"] == 6
    assert card["held out accuracy"] > 0.9
    write(place / "new", "a.wav", spoken(2.3, 77))
    write(place / "new", "b.wav", spoken(2.3, 78, hum=0.7))
    rows = list(trained.judge(place / "new"))
    assert rows[0].logit < 0 < rows[1].logit and rows[1].nearest_source == "generated"
    assert rows[0].note == "4 clips" and rows[0].spread > 0
    assert rows[0].p_generated == pytest.approx(1 / (1 + np.exp(-rows[0].logit)), rel=1e-5)


def test_what_is_kept_is_what_is_read(place, trained, tmp_path):
    again = AudioDetector.load(trained.save(tmp_path / "model"))
    inputs = [place / "recorded", place / "vocoded"]
    assert [row.logit for row in again.judge(inputs)] == [row.logit for row in trained.judge(inputs)]
    with pytest.raises(DataError, match="that is no detector, expected one"):
        Detector.load(tmp_path / "model")


def test_what_is_wrong_is_said(place, trained, tmp_path):
    write(tmp_path / "slow", "x.wav", spoken(4, 0), rate=2000)
    write(tmp_path / "slow", "y.wav", spoken(4, 1), rate=2000)
    with pytest.raises(DataError, match="got recordings of 2000 and 4000 samples in a second"):
        AudioDetector().fit(place / "recorded", tmp_path / "slow")
    with pytest.raises(DataError, match="got 0 recordings of 'real' of at least 60 s"):
        AudioDetector(seconds=60.0).fit(place / "recorded", place / "vocoded")
    with pytest.raises(DataError, match=r"which does not exist, expected a folder or a \.wav file"):
        find_recordings(tmp_path / "nothing")
    (tmp_path / "slow" / "z.wav").write_text("no sound")
    notes = [row.note for row in trained.judge(tmp_path / "slow")]
    assert notes[0] == "got 2000 samples in a second, expected 4000, the rate of the training"
    assert "WAV" in notes[2]
    with pytest.raises(OptionError, match="has learned nothing"):
        AudioDetector().predict(place / "recorded")
    for options in ({"level": 0}, {"rate": 0.7}, {"folds": 1}):
        with pytest.raises(OptionError):
            AudioDetector(**options).fit(place / "recorded", place / "vocoded")


def test_the_command_trains_and_scores(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folders = [str(place / "recorded"), str(place / "vocoded")]
    assert main(["detect", "train", *folders, "--audio", "--level", "6", "--fpr", "0.05", "-o", "ears"]) == 0
    assert "A score is evidence, not proof" in capsys.readouterr().out.capitalize().replace("a score", "A score")
    (tmp_path / "broken.wav").write_text("no sound")
    words = ["detect", "score", folders[1], "broken.wav", "--model", "ears", "--csv", "out.csv", "--quiet"]
    assert main(words) == 1
    with Path("out.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 7 and all(row["note"] == "3 clips" for row in rows[:6])
    assert rows[6]["p_generated"] == "" and sum(float(row["logit"]) > 0 for row in rows[:6]) >= 5
    whole = Path("out.csv").read_bytes()
    Path("out.csv").rename("out.csv.part")
    os.truncate("out.csv.part", len(whole) // 2)  # interrupted
    assert main([*words, "--resume"]) == 1 and Path("out.csv").read_bytes() == whole


def test_options_of_pictures_are_refused(place, capsys):
    words = ["detect", "train", str(place / "recorded"), str(place / "vocoded"), "--audio", "--robust"]
    assert main(words) == 2
    assert "got --robust with --audio" in capsys.readouterr().err
