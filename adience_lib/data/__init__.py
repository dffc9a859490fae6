"""Faces of any source to one manifest, a row a face: ``load`` gives a ``Dataset``.

One module reads each kind of source. Imports ``util``, and nothing of another room.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from adience_lib.data import sources
from adience_lib.data.adience import read_folds
from adience_lib.data.images import Folder
from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS, LABELS
from adience_lib.data.sources import DEMO
from adience_lib.util.errors import AdienceError

__all__ = ["AGE_LABELS", "DEMO", "GENDER_LABELS", "LABELS", "Dataset", "load", "read_folds"]


@dataclass(frozen=True)
class Dataset:
    """The faces of one dataset, before any image is read.

    ``faces``: the manifest, one row a face, in a fixed order: ``path`` (within ``source``,
    with ``/``), ``subject``, ``gender`` and ``age`` (int64 positions in ``GENDER_LABELS`` and
    ``AGE_LABELS``), ``fold`` (0 to 4), and ``race`` (a word) where the source gives it. Its index
    runs from 0, as the image cache does, and goes on in ``single``: faces of a table with one
    label only, which are ``MISSING`` the other.
    ``drops``: one row a reason, ``reason`` and ``rows``, then the rows kept and their sum.
    ``fingerprint``: SHA-256 of the manifest and the size of every image, in hexadecimal: the same
    for a folder and an archive of it. ``source``: where the images lie as files: ``root``, or
    where an archive in it is unpacked.
    """

    name: str
    root: Path
    faces: pd.DataFrame
    drops: pd.DataFrame
    fingerprint: str
    source: Folder
    single: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def is_demo(self) -> bool:
        """Whether the faces are drawings: nothing measured on them holds for people."""
        return self.name == DEMO

    def labelled(self, tasks: tuple[str, ...] = ()) -> pd.DataFrame:
        """The faces with a label of each of ``tasks``: those of none are all that are cached."""
        if self.single.empty:
            return self.faces
        return pd.concat([self.faces, sources.with_labels(self.single, tasks)])


def load(
    source: str | Path, *, allow_missing: bool = False, drop_repeats: bool = False, seed: int = 2022
) -> Dataset:
    """The manifest of ``source``: ``"demo"``, or a folder of Adience, UTKFace or ``faces.csv``.

    The kind is found out from what lies in the folder (``sources.find``). ``seed`` draws the folds
    of a ``faces.csv`` without any. ``allow_missing`` goes on without images
    that are missing or cannot be read, and counts them; every image is then decoded once to find
    out. ``drop_repeats`` keeps one of each set of equal rows of Adience's fold files, which the
    demo has too (of UTKFace's equal files one is always kept).

    Raises AdienceError: no such folder, a folder of another kind, bad fold files, missing images.
    """
    with sources.readable(source) as (name, root):
        images, faces, dropped = sources.read(name, root, drop_repeats, seed)
        faults = sources.faults(name, root, images, faces["path"], allow_missing=allow_missing)
        dropped.update(faults.values())
        faces = faces.drop(index=list(faults)).reset_index(drop=True)
        if faces.empty:
            raise AdienceError(f"{root}: no face with a label is left")
        sizes = [images.size(path) for path in faces["path"]]
    fingerprint = sources.fingerprint(name, faces.assign(bytes=sizes))
    faces, single = sources.parted(faces, dropped)
    drops = sources.drops_table(dropped, kept=len(faces))
    return Dataset(name, root, faces, drops, fingerprint, images, single)
