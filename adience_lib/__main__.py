"""``python -m adience_lib``: every command of this project. ``--help`` says more of each."""

import argparse
import ast
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from adience_lib.data.labels import FOLDS
from adience_lib.util import console, paths
from adience_lib.util.errors import AdienceError

STOPPED = "Stopped; every finished epoch is kept, and the same command goes on from there."


def main() -> int:
    """Run the command that was asked for, and give its exit status."""
    return console.exit_status(_run)


def _run() -> int | None:
    arguments = _parser().parse_args()
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

    model = {"required": True, "type": paths.resolve, "help": "a run folder, or best.keras of one"}
    folder = {"type": paths.resolve, "help": "where the files go"}
    source = partial(paths.settled, "data")
    faces = {"type": source, "help": 'folder of Adience, UTKFace or faces.csv, or "demo"'}
    report = command(_report, "run the notebooks, and write report/index.html")
    study = command(_study, "the trainings on real faces, and their records")
    for add in (report, study):
        add("--data", help='folder of Adience or UTKFace, or "demo"')
        add("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))  # papermill's
    report("--store", action="store_true", help="keep the outputs in notebooks/ too")
    command(_records, "tables and figures of the committed records anew")
    add = command(_check, "what a dataset would be trained with; trains none")
    add("data", **faces)
    add = command(_predict, "gender and age label of photos of cropped faces")
    add("photos", nargs="+", help='files, folders of them, or "-" for one on stdin')
    add("--model", **model)
    add("--json", action="store_true", help="a JSON object a line")
    add = command(_evaluate, "a network on labelled faces that it never saw")
    add("data", **faces)
    add("--model", **model)
    add("--fold", type=int, choices=range(FOLDS), help="this fold of the faces only")
    add("--allow-missing", action="store_true", help="go on without missing images")
    add("--json", action="store_true", help="a JSON object in place of tables")
    add("--figure", metavar="FILE", type=paths.resolve, help="a figure, too: .png, .pdf or .svg")
    add = command(_export, "a network as ONNX and TensorFlow Lite, its card")
    add("folder", **folder)
    add("--model", **model)
    add("--only", choices=("onnx", "tflite", "card"), help="one of the three")
    add = command(_download, "Adience from its authors' server")
    add("address", help="the folder on the server, from the authors' answer")
    add("folder", **folder)
    return parser


def _report(arguments: argparse.Namespace) -> None:
    from adience_lib.report import execution, site

    with console.announced(lambda: STOPPED):
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
    usual = paths.figures() / asked.dataset.name / study.FOLDER
    figures = overrides.get("figures_dir") or records.place(asked, usual)
    kept = Path(figures, records.FOLDER)
    console.message(f"Records go to {paths.shown(kept)}.")
    with console.announced(lambda: STOPPED):
        study.run(asked, kept)


def _records(_: argparse.Namespace) -> None:
    from adience_lib.report import study

    study.draw()


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The parameters that were given by ``--data`` and ``-p``, as papermill reads them."""
    from adience_lib.experiments.parameters import NOT_A_LITERAL, settled

    given = {}
    for name, text in arguments.p:
        try:
            given[name] = ast.literal_eval(text)
        except NOT_A_LITERAL:
            given[name] = text
    return settled(given | ({"data": arguments.data} if arguments.data else {}))


def _check(arguments: argparse.Namespace) -> int:
    from adience_lib import data
    from adience_lib.data import check, sources

    dataset = data.load(arguments.data)
    for line in check.lines(dataset):
        console.out(line)
    unreadable = sources.unreadable(dataset.source, dataset.labelled()["path"])
    for error in unreadable.values():
        console.message(f"error: {error}")
    return 1 if unreadable else 0


def _predict(arguments: argparse.Namespace) -> int:
    from adience_lib.deploy import predict

    predictor = predict.load(arguments.model)
    for note in predict.notes(predictor):
        console.message(f"note: {note}")
    status = 0
    for answer in predictor.stream(predict.photos(arguments.photos)):
        if answer.error:
            console.message(f"error: {answer.error}")
            status = 1
        if arguments.json:
            console.out(json.dumps(answer.as_json()))
        elif not answer.error:
            console.out(predict.line(answer))
    return status


def _evaluate(arguments: argparse.Namespace) -> None:
    from adience_lib.deploy import evaluate

    found = evaluate.evaluate(
        arguments.model, arguments.data, fold=arguments.fold, allow_missing=arguments.allow_missing
    )
    said = [json.dumps(evaluate.as_json(found))] if arguments.json else evaluate.lines(found)
    for line in said:
        console.out(line)
    if arguments.figure:
        evaluate.draw(found, arguments.figure)


def _export(arguments: argparse.Namespace) -> int:
    from adience_lib.deploy import export, model_card
    from adience_lib.runs.folder import network_file
    from adience_lib.util import atomic

    model = network_file(arguments.model)
    text = model_card.card(model.parent)
    status = 0
    if arguments.only in (None, "card"):
        target = arguments.folder / "model_card.md"
        with atomic.writing(target):
            atomic.write_file(target, lambda file: file.write(text.encode()))
        console.out(str(target))
    for kind in export.KINDS:
        if arguments.only in (None, kind):
            target = arguments.folder / f"network.{kind}"
            try:
                difference = export.export(model, kind, target)
                console.out(f"{target}: probabilities differ by {difference:.1g} at most")
            except AdienceError as error:
                console.message(f"error: {error}")
                status = 1
    return status


def _download(arguments: argparse.Namespace) -> None:
    from adience_lib.data.download import download

    for file in download(arguments.address, arguments.folder):
        print(file)


if __name__ == "__main__":
    sys.exit(main())
