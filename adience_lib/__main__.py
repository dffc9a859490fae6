"""``python -m adience_lib``: every command of this project. ``--help`` says more of each."""

import argparse
import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adience_lib.data.labels import FOLDS
from adience_lib.util import console, paths
from adience_lib.util.errors import AdienceError

REPORT_STOPPED = (
    "The report was stopped; every finished epoch is kept, and the same command goes on from there."
)
STUDY_STOPPED = "The study was stopped; the same command goes on from there."


MODEL = "a run folder, or best.keras of one"
FACES = 'folder of Adience, UTKFace or faces.csv, or "demo"'


def main() -> int:
    """Run the command that was asked for, and give its exit status."""
    arguments = _parser().parse_args()
    return console.exit_status(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int | None:
    paths.settle()
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m adience_lib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[[argparse.Namespace], int | None], words: str) -> Callable[..., Any]:
        """The command that ``run`` does, with ``words`` as help; gives its ``add_argument``."""
        added = commands.add_parser(run.__name__.removeprefix("_"), help=words)
        added.set_defaults(run=run)
        return added.add_argument

    report = command(_report, "run the notebooks, and write report/index.html")
    study = command(_study, "the trainings on real faces, and their records")
    for add in (report, study):
        add("--data", help='folder of Adience or UTKFace, or "demo"')
        add("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))  # papermill's
    report("--store", action="store_true", help="keep the outputs in notebooks/ too")
    command(_records, "tables and figures of the committed records anew")
    add = command(_check, "what a dataset would be trained with; trains none")
    add("data", help=FACES)
    add = command(_predict, "gender and age label of photos of cropped faces")
    add("photos", nargs="+", help='files, folders of them, or "-" for one on stdin')
    add("--model", required=True, help=MODEL)
    add("--json", action="store_true", help="a JSON object a line")
    add = command(_evaluate, "a network on labelled faces that it never saw")
    add("data", help=FACES)
    add("--model", required=True, help=MODEL)
    add("--fold", type=int, choices=range(FOLDS), help="this fold of the faces only")
    add("--allow-missing", action="store_true", help="go on without missing images")
    add("--json", action="store_true", help="a JSON object in place of tables")
    add("--figure", metavar="FILE", help="a figure, too: .png, .pdf or .svg")
    add = command(_export, "a network as ONNX and TensorFlow Lite, its card")
    add("folder", help="where the files go")
    add("--model", required=True, help=MODEL)
    add("--only", choices=("onnx", "tflite", "card"), help="one of the three")
    add = command(_download, "Adience from its authors' server")
    add("address", help="the folder on the server, from the authors' answer")
    add("folder", help="where the files go")
    return parser


def _report(arguments: argparse.Namespace) -> None:
    from adience_lib.report import execution, site

    with console.announced(lambda: REPORT_STOPPED):
        site.make(_given(arguments))
    if arguments.store:
        for notebook in execution.notebooks():
            execution.store(paths.REPORT / site.NOTEBOOKS / notebook.name, notebook)


def _study(arguments: argparse.Namespace) -> None:
    from adience_lib.experiments import experiment, records, study
    from adience_lib.report import execution

    overrides = _given(arguments)
    execution.check_parameters(overrides)
    asked = experiment.start(study.asked_for(overrides))
    figures = (
        Path(overrides["figures_dir"])
        if overrides.get("figures_dir")
        else records.place(asked, paths.figures() / asked.dataset.name / study.FOLDER)
    )
    console.message(f"Records go to {paths.shown(figures / records.FOLDER)}.")
    with console.announced(lambda: STUDY_STOPPED):
        study.run(asked, figures / records.FOLDER)


def _records(_: argparse.Namespace) -> None:
    from adience_lib.report import study

    study.draw()


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The parameters that were given by ``--data`` and ``-p``."""
    from adience_lib.experiments.parameters import settled

    parameters = {name: _parameter(value) for name, value in arguments.p}
    return settled({**parameters, **({"data": arguments.data} if arguments.data else {})})


def _parameter(text: str) -> Any:
    """A parameter as papermill reads it from its command line."""
    from adience_lib.experiments.parameters import NOT_A_LITERAL

    try:
        return ast.literal_eval(text)
    except NOT_A_LITERAL:
        return text


def _check(arguments: argparse.Namespace) -> int:
    from adience_lib import data
    from adience_lib.data import check, sources

    dataset = data.load(paths.settled("data", arguments.data))
    for line in check.lines(dataset):
        console.out(line)
    unreadable = sources.unreadable(dataset.source, dataset.labelled()["path"])
    for error in unreadable.values():
        console.err(f"error: {error}")
    return 1 if unreadable else 0


def _predict(arguments: argparse.Namespace) -> int:
    import json

    from adience_lib.deploy import predict

    predictor = predict.load(paths.resolve(arguments.model))
    for note in predict.notes(predictor):
        console.err(f"note: {note}")
    standard_input = sys.stdin.buffer if sys.stdin else None
    photos = predict.photos(
        arguments.photos, standard_input, lambda note: console.err(f"note: {note}")
    )
    status = 0
    for answer in predictor.stream(photos):
        if answer.error:
            console.err(f"error: {answer.error}")
            status = 1
        if arguments.json:
            console.out(json.dumps(answer.as_json()))
        elif not answer.error:
            console.out(predict.line(answer))
    return status


def _evaluate(arguments: argparse.Namespace) -> None:
    import json

    from adience_lib.deploy import evaluate

    found = evaluate.evaluate(
        paths.resolve(arguments.model),
        paths.settled("data", arguments.data),
        fold=arguments.fold,
        allow_missing=arguments.allow_missing,
    )
    said = [json.dumps(evaluate.as_json(found))] if arguments.json else evaluate.lines(found)
    for line in said:
        console.out(line)
    if arguments.figure:
        evaluate.draw(found, paths.resolve(arguments.figure))


def _export(arguments: argparse.Namespace) -> int:
    from adience_lib.deploy import export, model_card
    from adience_lib.runs.folder import network_file
    from adience_lib.util import atomic

    model = network_file(paths.resolve(arguments.model))
    folder = paths.resolve(arguments.folder)
    text = model_card.card(model.parent)
    status = 0
    if arguments.only in (None, "card"):
        target = folder / "model_card.md"
        with atomic.writing(target):
            atomic.write_file(target, lambda file: file.write(text.encode()))
        console.out(str(target))
    for kind in export.KINDS:
        if arguments.only in (None, kind):
            target = folder / f"network.{kind}"
            try:
                difference = export.export(model, kind, target)
                console.out(f"{target}: probabilities differ by {difference:.1g} at most")
            except AdienceError as error:
                console.err(f"error: {error}")
                status = 1
    return status


def _download(arguments: argparse.Namespace) -> None:
    from adience_lib.data.download import download

    for file in download(arguments.address, paths.resolve(arguments.folder)):
        print(file)


if __name__ == "__main__":
    sys.exit(main())
