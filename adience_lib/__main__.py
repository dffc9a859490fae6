"""``python -m adience_lib``: predict, export, download. ``--help`` says more of each."""

import argparse
import sys

from adience_lib.errors import AdienceError


def main() -> int:
    """Run the command that was asked for, and give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m adience_lib", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_download(commands)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except AdienceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


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
