"""A notebook's parameters: what is taken, what is refused, and where things go."""

from pathlib import Path
from typing import Any

import pytest
from conftest import tiny_rows, write_adience

from adience_lib.experiments import experiment, linear_probes
from adience_lib.experiments.experiment import published_recipe, start, transferring
from adience_lib.experiments.results import commands, find_runs, missing_runs
from adience_lib.models.pretrained import Weights, find_imagenet
from adience_lib.protocol import DEMO, LEVI_HASSNER, PAPER, SMOKE
from adience_lib.util.errors import AdienceError

CELL = (
    "before = set(dir())\n"
    "data: str = None\nfolds: list = None\nepochs: int = None\ngamma: float = None\n"
)


def notebook(cell: str = CELL, injected: str = "", above: str = "") -> dict[str, Any]:
    """The globals of a notebook after its parameters, papermill's and its import cell."""
    namespace: dict[str, Any] = {"In": [], "Out": {}}
    for source in (above, cell, injected, "import math"):
        exec(source, namespace)
    return namespace


def begin(namespace: dict[str, Any]) -> experiment.Experiment:
    """What the cell below does."""
    return start(namespace, namespace["before"])


def with_values(**values: Any) -> dict[str, Any]:
    """The globals of a program that sets these parameters."""
    return dict(values)


def test_faces_too_few_to_hold_out_are_named_before_anything_is_trained(tmp_path: Path) -> None:
    """A tenth of 64 faces, each a subject, lacks an age; the message names what helps."""
    rows = tiny_rows()
    for row in [row for fold in rows for row in fold]:
        row["user_id"] = f"{row['user_id']} {row['original_image']}"
    folder = write_adience(tmp_path / "adience", rows)
    few = {"data": str(folder), "runs_dir": str(tmp_path / "runs")}
    begun = start(few)
    with pytest.raises(AdienceError, match=r'no draw of held-out .*held_out_folds \("\[\]" for'):
        experiment.train(begun, "gender")
    assert not (tmp_path / "runs").exists()
    experiment.check_splits(start({**few, "held_out_folds": []}))


def test_demo_and_its_protocol_are_the_default() -> None:
    """Without any parameter: the drawings, all folds, the demo's protocol."""
    begun = begin(notebook())
    assert begun.dataset.is_demo
    assert (begun.protocol, begun.folds) == (DEMO, (0, 1, 2, 3, 4))


def test_real_faces_get_the_papers_protocol(tiny_folder: Path) -> None:
    """A folder is real until it is the demo."""
    assert start(with_values(data=str(tiny_folder))).protocol == PAPER


def test_environment_names_the_data_and_the_smoke_run(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ADIENCE_DATA stands for data, ADIENCE_SMOKE=1 for the protocol; a parameter wins."""
    monkeypatch.setenv("ADIENCE_DATA", str(tiny_folder))
    monkeypatch.setenv("ADIENCE_SMOKE", "1")
    begun = begin(notebook())
    assert (begun.dataset.name, begun.protocol) == ("adience", SMOKE)
    assert start(with_values(data="demo", protocol="paper")).protocol == PAPER


@pytest.mark.parametrize("folds", [[0, 1], "[0, 1]", "0, 1", (1, 0), [1, 0]])
def test_folds_are_taken_as_a_list_or_as_papermill_passes_them(folds: object) -> None:
    """papermill's -p passes a string."""
    assert start(with_values(folds=folds)).folds == (0, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gamma": 1.5}, "gamma is 1.5; allowed: a number from 0 to 1, or None"),
        ({"gamma": "half"}, "gamma is 'half'; allowed: a number from 0 to 1, or None"),
        ({"epochs": 2.5}, "epochs is 2.5; allowed: a whole number from 1 to 10,000, or None"),
        ({"epochs": True}, "epochs is True; allowed: a whole number"),
        ({"epochs": 0}, "epochs is 0; allowed: a whole number from 1 to 10,000"),
        ({"folds": [7]}, "folds is [7]; allowed: a list of different folds among [0, 1, 2, 3, 4]"),
        ({"folds": "[]"}, "folds is '[]'; allowed: a list"),
        ({"folds": "[0, 0]"}, "folds is '[0, 0]'; allowed"),
        ({"folds": "all"}, "folds is 'all'; allowed"),
        ({"folds": "(" * 3000}, "folds is '((((((((((...(((((((((('; allowed"),
        ({"gammas": "[0," * 999}, "gammas is '[0,[0,[0,[...,[0,[0,[0,'; allowed"),
        ({"protocol": "papers"}, "protocol is 'papers'; allowed: paper, demo, smoke, levi_hassner"),
        ({"extra_folds": [7]}, "extra_folds is [7]; allowed: a list of different folds among [0,"),
        (
            {"folds": [0], "extra_folds": "[1]"},
            "extra_folds is '[1]'; allowed: a list of different",
        ),
        ({"levi_hassner_epochs": 0}, "levi_hassner_epochs is 0; allowed: a whole number from 1 to"),
        ({"levi_hassner_epochs": "few"}, "levi_hassner_epochs is 'few'; allowed: a whole number"),
        ({"monitor": "test"}, "monitor is 'test'; allowed: test_fold, held_out, none"),
        ({"precision": "float16"}, "precision is 'float16'; allowed: float32, mixed_bfloat16"),
        ({"data": 7}, "data is 7; allowed: a text"),
        ({"data": "/nowhere"}, "/nowhere: no such folder"),
        ({"allow_missing": "yes"}, "allow_missing is 'yes'; allowed: True, False"),
        ({"gammas": [0.5, 2]}, "gammas is [0.5, 2]; allowed: a list of numbers from 0 to 1"),
        ({"faces": 1}, "faces is 1; allowed: a whole number from 10 to"),
    ],
)
def test_wrong_value_says_what_is_allowed(values: dict[str, Any], message: str) -> None:
    """One line: the parameter, its value, and what may stand there."""
    with pytest.raises(AdienceError) as error:
        start(with_values(**values))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("overrides", "folds"), [(None, (1,)), ("[]", ()), ([], ()), ("[1, 3]", (1, 3)), ([3], (3,))]
)
def test_extras_are_trained_on_the_first_fold_unless_told(
    overrides: object, folds: tuple[int, ...]
) -> None:
    """Held-out monitoring, gamma, Levi & Hassner: one parameter says how much of that."""
    assert start(with_values(folds=[1, 3], extra_folds=overrides)).extra_folds == folds


def test_levi_hassner_recipe_names_its_differences_from_the_papers(tiny_folder: Path) -> None:
    """Theirs on real faces; the demo's epochs and batches on the demo; what was asked for wins."""
    data = str(tiny_folder)
    assert published_recipe(start(with_values(data=data))).protocol == LEVI_HASSNER
    few = published_recipe(start(with_values(data=data, epochs=3, seed=1, batch_size=16)))
    assert few.protocol.label == "levi_hassner,epochs=3,seed=1"
    many = published_recipe(start(with_values(data=data, epochs=3, levi_hassner_epochs=200)))
    assert many.protocol.label == "levi_hassner,epochs=200"
    demo = published_recipe(start(with_values()))
    assert demo.protocol.label == "levi_hassner,epochs=2,batch_size=4"


def test_runs_that_cannot_be_read_are_said_and_left_out() -> None:
    """The rest of the report goes on without them."""
    begun = start(with_values())
    folder = begun.folder("age", 2)
    folder.mkdir(parents=True)
    (folder / "protocol.json").write_text("{")
    found = find_runs(begun)
    assert found.finished == {}
    (fault,) = found.unreadable
    assert "fold_2/protocol.json: no record of a run" in fault


def test_unknown_name_from_papermill_is_an_error_with_a_hint() -> None:
    """papermill only warns; the notebook stops."""
    with pytest.raises(AdienceError, match=r"'gama' \(did you mean 'gamma'\?\); allowed: data, "):
        begin(notebook(injected="gama = 0.5"))


def test_parameter_of_another_notebook_is_unknown_here() -> None:
    """What a notebook does not declare has no effect in it, and is refused."""
    with pytest.raises(AdienceError, match="unknown parameter 'weights'"):
        begin(notebook(injected="weights = 'random'"))


def test_parameter_added_by_hand_is_checked_as_well() -> None:
    """A name written into the parameters cell in Jupyter is no parameter yet."""
    with pytest.raises(AdienceError, match="unknown parameter 'bach_size'"):
        begin(notebook(cell=CELL + "bach_size = 8\n"))


def test_names_above_the_parameters_are_the_notebooks_own() -> None:
    """A constant of the user's, and where papermill says that the notebook lies."""
    namespace = notebook(above="note = 'a trial'", injected="PAPERMILL_INPUT_PATH = 'a.ipynb'")
    assert begin(namespace).protocol == DEMO


@pytest.mark.parametrize("above", ["SIZE = 3", "note: str = 'a trial'"])
def test_cell_between_the_mark_and_the_parameters_is_the_users_own(above: str) -> None:
    """A constant right above the parameters is one, as it is further up; below it is not."""
    mark, _, declared = CELL.partition("\n")
    assert begin(notebook(cell=f"{mark}\n{above}\n{declared}")).protocol == DEMO
    with pytest.raises(AdienceError, match="unknown parameter"):
        begin(notebook(cell=f"{CELL}{above}\n"))


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("learning_rate", "1e-4", 1e-4),
        ("gamma", "1e-1", 0.1),
        ("epochs", "3", 3),
        ("faces", "1e3", 1000),
    ],
)
def test_number_that_comes_as_text_is_a_number(name: str, text: str, number: float) -> None:
    """``papermill -f`` reads YAML, to which 1e-4 is a text; ``papermill -r`` passes texts only."""
    assert (
        getattr(begin(notebook(cell=f"{CELL}{name}: float = {text!r}\n")).protocol, name) == number
    )


def test_paths_are_the_callers(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters and variables alike: from the folder where the command is given, and absolute in
    messages and in the commands that are printed."""
    monkeypatch.chdir(tiny_folder.parent)
    monkeypatch.setenv("HOME", str(tiny_folder.parent / "home"))
    begun = start(with_values(data="adience", runs_dir="~/runs", figures_dir="here/figures"))
    assert begun.dataset.root == tiny_folder
    assert begun.runs_dir == tiny_folder.parent / "home" / "runs"
    assert begun.figures_dir == tiny_folder.parent / "here" / "figures"
    assert f"-p data {tiny_folder} " in commands(begun)["gender"]
    monkeypatch.setenv("ADIENCE_DATA", "adience")
    monkeypatch.setenv("ADIENCE_RUNS", "~/runs")
    assert (start({}).dataset.root, start({}).runs_dir) == (begun.dataset.root, begun.runs_dir)
    for name, source in {"ADIENCE_DATA": "nowhere", "ADIENCE_XCEPTION_WEIGHTS": "w"}.items():
        monkeypatch.setenv(name, source)
    with pytest.raises(AdienceError, match=f"^{tiny_folder.parent}/nowhere: no such folder"):
        start({})
    with pytest.raises(AdienceError, match=f"^{tiny_folder.parent}/w: no such weights file"):
        find_imagenet()


def test_injected_values_win_and_later_cells_do_not_matter() -> None:
    """Running the first cells again after the whole notebook finds the same parameters."""
    namespace = notebook(injected="epochs = 3\ngamma = 1")
    assert begin(namespace).protocol.epochs == 3
    exec("scratch = 5", namespace)
    exec(CELL + "epochs = 3", namespace)
    assert begin(namespace).protocol.epochs == 3


def test_figures_of_anything_but_the_default_go_deeper(tmp_path: Path) -> None:
    """figures/demo holds the whole demo only."""
    figures = tmp_path / "figures"
    assert start(with_values()).figures_dir == figures / "demo"
    assert start(with_values(epochs=1)).figures_dir == figures / "demo" / "demo,epochs=1"
    assert start(with_values(folds=[0])).figures_dir == figures / "demo" / "demo,folds=0"


@pytest.mark.parametrize(
    ("given", "epochs", "folds"),
    [
        ({}, 1, (0,)),
        ({"epochs": 4}, 4, (0,)),
        ({"folds": [1, 3]}, 1, (1, 3)),
        ({"protocol": "paper"}, 100, (0, 1, 2, 3, 4)),
    ],
)
def test_demo_trains_transfer_least_unless_told(
    given: dict[str, object], epochs: int, folds: tuple[int, ...]
) -> None:
    """One epoch of one fold; epochs and folds that are asked for, and other protocols, stay."""
    one = transferring(start(with_values(**given)), "random")
    assert (one.protocol.epochs, one.folds) == (epochs, folds)


def test_missing_runs_come_with_the_command_that_makes_them() -> None:
    """Nothing is trained to find out; the command has the parameters that were given."""
    begun = start(with_values(folds="[0, 1]", weights="random", epochs=3))
    finished = find_runs(begun).finished
    assert finished == {}
    assert missing_runs(begun, finished)["age"] == [0, 1]
    assert missing_runs(start(with_values()), {})["transfer"] == [0]  # all that the demo trains
    made = commands(begun)
    assert "papermill 03_multitask.ipynb out.ipynb" in made["multitask"]
    assert "-p folds '[0, 1]'" in made["multitask"]
    assert "weights" not in made["multitask"]
    assert "-p weights random" in made["transfer"]


def test_missing_weights_stop_real_faces_and_not_the_demo(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo goes on with random features and says why; the paper's protocol does not."""
    monkeypatch.setenv("ADIENCE_XCEPTION_WEIGHTS", "/nowhere.weights.h5")
    assert experiment.find_weights(start(with_values())) is None
    assert "random features: /nowhere.weights.h5" in capsys.readouterr().out
    with pytest.raises(AdienceError, match="no such weights file"):
        experiment.find_weights(start(with_values(data=str(tiny_folder))))


def test_missing_vgg16_leaves_its_row_out_and_says_why(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On real faces too: one row less, and the report goes on. Random features fetch nothing."""
    monkeypatch.setenv("ADIENCE_VGG16_WEIGHTS", "/nowhere.weights.h5")
    monkeypatch.setattr(linear_probes, "probe_frozen", lambda _, name, weights: weights.label)
    begun = start(with_values(data=str(tiny_folder)))
    xception = Weights(Path("x.weights.h5"), "a file", "imagenet")
    assert set(linear_probes.probe_related(begun, xception)) == {"xception"}
    assert (
        "VGG-16 is left out: /nowhere.weights.h5: no such weights file" in capsys.readouterr().out
    )
    assert linear_probes.probe_related(begun, None) == {}
    assert "there are no weights of ImageNet" in capsys.readouterr().out


def test_vgg16_download_that_fails_names_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable and the kind of file that it takes."""

    def refuse(**_: object) -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.applications.VGG16", refuse)
    with pytest.raises(
        AdienceError, match=r"no ImageNet weights for VGG16; .*ADIENCE_VGG16_WEIGHTS"
    ):
        find_imagenet("VGG16")
