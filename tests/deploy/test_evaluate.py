"""A network on labelled faces that it was not trained on: its scores, and who is left out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import made_up
from small import shrink

from adience_lib import models
from adience_lib.__main__ import main
from adience_lib.data import Dataset
from adience_lib.data.labels import LABELS
from adience_lib.data.loader import Batches
from adience_lib.deploy import evaluate
from adience_lib.experiments import experiment
from adience_lib.protocol import SMOKE
from adience_lib.runs.folder import predictions_table, write_sums, write_table
from adience_lib.runs.read import read_runs
from adience_lib.training import predict
from adience_lib.util.errors import AdienceError

NAME, FOLD = "multitask", 2


ALL = replace(SMOKE, faces=None)


@pytest.fixture(scope="module")
def run(tiny: Dataset, images: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of fold 2 of ``tiny``: a small network that was never trained, and its answers."""
    runs_dir = str(tmp_path_factory.mktemp("runs"))
    folder = made_up(replace(experiment.of(tiny, {"runs_dir": runs_dir}), protocol=ALL), NAME, FOLD)
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch.setattr)
        network = models.build(NAME)
    network.save(folder / "best.keras")
    test = tiny.faces[tiny.faces["fold"] == FOLD]
    outputs = predict(network, Batches(images, test, models.tasks(NAME), ALL.batch_size))
    write_table(predictions_table(test, outputs), folder / "predictions.csv")
    write_sums(folder)
    return folder


def test_own_test_fold_gives_the_numbers_of_the_record(
    run: Path, tiny: Dataset, tmp_path: Path
) -> None:
    """And every face that it was trained on is left out, and counted."""
    found = evaluate.evaluate(run, tiny.root)
    write_table(found.predictions, tmp_path / "predictions.csv")
    assert (tmp_path / "predictions.csv").read_bytes() == (run / "predictions.csv").read_bytes()
    assert found.left_out == {evaluate.TRAINED: 64}
    assert any("chosen on these faces" in note for note in found.notes)


def test_another_fold_leaves_nothing_and_says_so(run: Path, tiny: Dataset) -> None:
    """All of it was trained on; best.keras stands for its run."""
    with pytest.raises(AdienceError, match=r"none of its 16 faces can be scored \(16 trained on\)"):
        evaluate.evaluate(run / "best.keras", tiny.root, fold=0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"monitor": "held_out"}, evaluate.CHOSE), ({"faces": 40}, evaluate.OUTSIDE)],
)
def test_each_reason_to_leave_a_face_out_is_known(
    run: Path, tiny: Dataset, change: dict[str, object], reason: str
) -> None:
    """Faces that chose the epoch; faces that the run's sample has not."""
    protocol = replace(ALL, **change)  # type: ignore[arg-type]
    found = evaluate.use(tiny, replace(read_runs([run]), protocol=protocol))
    assert set(found) == {evaluate.TRAINED, reason, ""}
    assert (tiny.faces["fold"][found == ""] == FOLD).all()
    assert (tiny.faces["fold"][found == evaluate.TRAINED] != FOLD).all()


def own_table(tiny: Dataset, folder: Path) -> Path:
    """Faces of ``tiny`` as somebody's table, of which one has no age, and one no gender."""
    lines = ["path,gender,age,subject,race"]
    for place, face in enumerate(tiny.faces.head(40).itertuples()):
        source = tiny.source.root / str(face.path)
        (folder / f"{place}.png").parent.mkdir(exist_ok=True)
        (folder / f"{place}.png").write_bytes(source.read_bytes())
        gender = "" if place == 1 else "fm"[int(str(face.gender))]
        age = "" if place == 2 else LABELS["age"][int(str(face.age))]
        lines.append(f'{place}.png,{gender},"{age}",s{place // 2},{"ab"[place % 2]}')
    (folder / "faces.csv").write_text("\n".join(lines))
    return folder


def test_other_faces_are_scored_by_the_labels_that_they_have(
    run: Path, tiny: Dataset, tmp_path: Path
) -> None:
    """Nobody is left out, and that nothing can be known of copies is said."""
    found = evaluate.evaluate(run, own_table(tiny, tmp_path / "own"))
    assert [len(faces) for faces in found.by_task().values()] == [39, 39]
    assert found.left_out == {}
    assert any("cannot be told" in note for note in found.notes)


def faces_with(hits: list[bool], subjects: list[str]) -> pd.DataFrame:
    """Predictions of gender, right or wrong as said, of men and women by turns."""
    truth = np.arange(len(hits)) % 2
    given = np.where(hits, truth, 1 - truth)
    return pd.DataFrame(
        {"subject": subjects, "gender": truth, "age": 0, "gender f": 1 - given, "gender m": given}
    )


def test_intervals_reckon_with_subjects() -> None:
    """Copies of the same faces make no interval smaller; few subjects never have one of nothing."""
    hits = [True, True, False, True] * 20
    alone = evaluate.measures(faces_with(hits, [f"s{n}" for n in range(80)]), "gender")
    twice = evaluate.measures(faces_with(hits * 2, [f"s{n}" for n in range(80)] * 2), "gender")
    np.testing.assert_allclose(alone, twice, rtol=1e-9)
    low, high = alone.loc["accuracy", ["low", "high"]]
    assert 60 < low < 66
    assert 84 < high < 90
    few = evaluate.measures(faces_with([True] * 10, [f"s{n}" for n in range(10)]), "gender")
    assert 65 < few.loc["accuracy", "low"] < 75
    assert few.loc["accuracy", "high"] == pytest.approx(100)


def test_macro_recall_weighs_each_label_alike() -> None:
    """Nine men who are right and one woman who is not are a half."""
    faces = faces_with([True] * 9 + [False], [f"s{n}" for n in range(10)])
    faces["gender"] = [1] * 9 + [0]
    faces["gender m"], faces["gender f"] = 1.0, 0.0
    found = evaluate.measures(faces, "gender").loc["macro recall"]
    assert found["percent"] == 50
    assert np.isnan(found["low"])  # of one woman


def test_command_prints_tables_json_and_a_figure(
    run: Path,
    tiny: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same numbers in each."""
    words = ["adience_lib", "evaluate", "--model", str(run), str(own_table(tiny, tmp_path / "own"))]
    monkeypatch.setattr("sys.argv", words)
    assert main() == 0
    printed = capsys.readouterr().out
    figure = tmp_path / "figure.png"
    monkeypatch.setattr("sys.argv", [*words, "--json", "--figure", str(figure)])
    assert main() == 0
    found = json.loads(capsys.readouterr().out)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert set(found["tasks"]) == {"gender", "age"}
    measured = found["tasks"]["age"]["measures"]
    assert set(measured) == {"accuracy", "one-off", "macro recall"}
    assert f"{measured['one-off']['percent']:.1f}" in printed
    assert found["tasks"]["gender"]["groups"]["race a"]["faces"] == 20
    assert np.sum(found["tasks"]["age"]["confusion"]) == 39


def test_figure_of_another_kind_is_named(run: Path, tiny: Dataset, tmp_path: Path) -> None:
    """With the kinds that there are."""
    found = evaluate.evaluate(run, tiny.root)
    with pytest.raises(AdienceError, match=r"figure\.doc: a figure is one of \.png, \.pdf, \.svg"):
        evaluate.draw(found, tmp_path / "figure.doc")
