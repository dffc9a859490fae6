"""Writes the demo set: synthetic faces in the folder layout of Adience.

Adience is handed out on request. The demo set lets every program of this project run until then;
its scores say nothing about real faces. The same bytes come out on every machine. Only another
version of Pillow, with another JPEG encoder, may change them.
"""

import io
from pathlib import Path

from tqdm import tqdm

from adience_lib.data.adience import COLUMNS, fold_file
from adience_lib.data.demo.drawing import Dice, draw_face
from adience_lib.data.labels import AGE_LABELS, FOLDS, GENDER_LABELS

# Raise this with every change of the drawing: callers keep one folder per version.
FOLDER_VERSION = "2"
FACES_PER_CELL = 2  # for each fold, age label and gender
ALBUM_SIZE = 4  # faces of one user

# Age and gender of rows without a label of both. Row i goes to fold i % FOLDS.
MISSING_AGE = (("None", "f"), ("", "m"), ("None", "m"), ("", "f"))
OTHER_AGE = (("35", "m"), ("(27, 32)", "f"), ("13", "f"), ("(38, 42)", "m"))
UNKNOWN_GENDER = (("(0, 2)", "u"), ("(4, 6)", ""), ("(25, 32)", "u"), ("(8, 12)", ""))
# Rows with good labels and a bad file: (fold, age, gender, damage).
DAMAGED = ((1, "(25, 32)", "f", "missing image"), (3, "(38, 43)", "m", "broken image"))
# Folds whose first good row stands again at the end. Adience has such rows too. They are kept.
REPEATED_IN_FOLDS = (0, 2, 4)


def draw(root: Path) -> None:
    """Write the demo set into the folder ``root``: five fold files and the pictures they name."""
    root.mkdir(parents=True, exist_ok=True)
    folds = _folds()
    with tqdm(total=sum(map(len, folds)), desc="Drawing demo faces", unit="face") as progress:
        for fold, rows in enumerate(folds):
            lines = [list(COLUMNS)]
            for place, (number, age, gender, damage) in enumerate(rows):
                user = f"{10_000_001 + 100_000 * fold + place // ALBUM_SIZE}@N00"
                lines.append(_fields(user, number, age, gender))
                if damage != "missing image":
                    _write_picture(root, lines[-1], damage)
                progress.update()
            if fold in REPEATED_IN_FOLDS:
                good = (row for row in lines if row[3] in AGE_LABELS and row[4] in GENDER_LABELS)
                lines.append(next(good))
            text = "".join("\t".join(line) + "\n" for line in lines)
            fold_file(root, fold).write_bytes(text.encode())


def _folds() -> list[list[tuple[int, str, str, str]]]:
    """The rows of each fold: number, age, gender, and what is wrong with the picture. Good faces
    are numbered first, so that their numbers stay put."""
    cells = [(age, gender) for age in AGE_LABELS for gender in GENDER_LABELS]
    faces = [(k, *cell, "") for k in range(FOLDS) for cell in cells for _ in range(FACES_PER_CELL)]
    unlabelled = MISSING_AGE + OTHER_AGE + UNKNOWN_GENDER
    faces += [(i % FOLDS, age, gender, "") for i, (age, gender) in enumerate(unlabelled)]
    folds: list[list[tuple[int, str, str, str]]] = [[] for _ in range(FOLDS)]
    for number, (fold, age, gender, damage) in enumerate([*faces, *DAMAGED], start=1):
        folds[fold].append((number, age, gender, damage))
    # The order of random keys mixes the labels within the albums.
    return [sorted(rows, key=lambda row: Dice(row[0], 1).random()) for rows in folds]


def _fields(user: str, number: int, age: str, gender: str) -> list[str]:
    """The columns of a row. The place in the original picture is made up."""
    dice = Dice(number, 2)
    name = f"{dice.between(10**10, 10**11)}_{dice.between(10**9, 10**10):x}_o.jpg"
    side, angles = dice.between(100, 1000), (5 * dice.between(-2, 3), 15 * dice.between(-1, 2))
    box = (dice.between(100, 1000), dice.between(100, 1000), side, side)
    numbers = map(str, (*box, *angles, dice.between(10, 100)))
    return [user, name, str(number), age, gender, *numbers]


def _write_picture(root: Path, fields: list[str], damage: str) -> None:
    user, name, number, age, gender = fields[:5]
    content = io.BytesIO()
    draw_face(int(number), age, gender).save(content, "JPEG", quality=90)
    if damage == "broken image":
        content.truncate(content.tell() // 2)
    path = root / "aligned" / user / f"landmark_aligned_face.{number}.{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
