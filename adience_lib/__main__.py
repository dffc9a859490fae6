"""``python -m adience_lib``: predict, export, download. ``--help`` says more of each."""

import argparse
import sys

from adience_lib.errors import AdienceError


def main() -> int:
    """Run the command that was asked for, and give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m adience_lib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_export(commands)
    _add_download(commands)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except AdienceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("predict", help="gender and age label of photos of cropped faces")
    parser.add_argument("photos", nargs="+", help='files, folders of them, or "-" for one on stdin')
    parser.add_argument("--model", required=True, help="best.keras of a run folder")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.set_defaults(run=_predict)


def _predict(arguments: argparse.Namespace) -> int:
    import json
    from pathlib import Path

    from adience_lib import predict

    predictor = predict.load(Path(arguments.model))
    for note in predict.notes(predictor):
        sys.stderr.write(f"note: {note}\n")
    status = 0
    for answer in predictor.stream(predict.photos(arguments.photos, sys.stdin.buffer)):
        if answer.error:
            sys.stderr.write(f"error: {answer.error}\n")
            status = 1
        if arguments.json:
            print(json.dumps(answer.as_json()), flush=True)
        elif not answer.error:
            print(predict.line(answer), flush=True)
    return status


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("export", help="a network as ONNX and TensorFlow Lite, its card")
    parser.add_argument("folder", help="where the files go")
    parser.add_argument("--model", required=True, help="best.keras of a run folder")
    parser.add_argument("--only", choices=("onnx", "tflite", "card"), help="one of the three")
    parser.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from adience_lib import card, export, whole

    model, folder = Path(arguments.model), Path(arguments.folder)
    text = card.card(model.parent)
    status = 0
    if arguments.only in (None, "card"):
        target = folder / "model_card.md"
        with whole.writing(target):
            whole.write_file(target, lambda file: file.write(text.encode()))
        print(target)
    for kind in export.KINDS:
        if arguments.only in (None, kind):
            target = folder / f"network.{kind}"
            try:
                difference = export.export(model, kind, target)
                print(f"{target}: probabilities differ by {difference:.1g} at most")
            except AdienceError as error:
                sys.stderr.write(f"error: {error}\n")
                status = 1
    return status


def _add_download(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("download", help="Adience from its authors' server")
    parser.add_argument("address", help="the folder on the server, from the authors' answer")
    parser.add_argument("folder", help="where the files go")
    parser.set_defaults(run=_download)


def _download(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from adience_lib.download import download

    for file in download(arguments.address, Path(arguments.folder)):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
