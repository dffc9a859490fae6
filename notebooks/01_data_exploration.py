# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. The data
#
# > "In our preprocessing pipeline, we remove data that is uncategorized and data that does not
# > follow the class labels [...] The dataset contains 16228 labeled facial images after removing
# > invalid data." (section 2.1)
#
# > "Hence, the dataset was divided into five folds, with all images from one user only appearing in
# > either the training or test set of that fold." (section 2.2)
#
# **The question:** which faces pass the paper's filter, who is in them, and does a split keep every
# person on one side? The first part of this notebook follows a single row of a fold file until it
# is part of a batch. The second part looks at the real faces that this report's numbers stand on.
# The third does the same for whatever data you name.

# %% [markdown]
# ## Parameters
#
# `papermill --help-notebook` lists them. In each, `None` stands for the protocol's own value.

# %%
before = set(dir())  # plain values that are set below are parameters

# %% tags=["parameters"]
data: str = None  # a dataset's folder, or "demo"; None: the variable ADIENCE_DATA, else the demo
protocol: str = None  # "paper", "demo", "smoke", "levi_hassner"; None: as the data, demo or paper
# The others are changed more rarely.
allow_missing: bool = False  # go on without images that are missing or unreadable, and count them
drop_repeats: bool = False  # keep one of each set of equal rows of Adience
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["real-faces", "nbval-ignore-output"]
import numpy as np
import pandas as pd
from PIL import Image

from adience_lib.data import labels, load, read_folds
from adience_lib.data.cache import images
from adience_lib.data.images import read_face
from adience_lib.data.loader import Batches, split
from adience_lib.experiments.experiment import start
from adience_lib.models.layers import RandomCrop
from adience_lib.report import discrepancies, figures, notebook, study, tables
from adience_lib.report.style import panels

# %% tags=["nbval-ignore-output"]
experiment = start(globals(), before)
drawn = load("demo")
pixels = images(drawn)  # decoded once, with a progress bar, and kept

# %% [markdown]
# ## One row, one face
#
# Adience comes as five text files, one a fold, and a folder of photographs for each owner of an
# album. The drawn demo is laid out in the same way, so a row of it can be opened here without
# showing anybody's face. This part always shows the demo, whatever data you run the notebook on.

# %%
header, first, *others = (drawn.root / "fold_0_data.txt").read_text().splitlines()
pd.Series(first.split("\t"), header.split("\t"))

# %% [markdown]
# Five of the twelve columns matter here. `user_id` is the owner of the album. Nobody wrote down who
# is in a picture, so the album stands for the person: this is what the paper means by "subject",
# and a friend in the background counts as the owner. `original_image` and `face_id` together name
# the file. `age` and `gender` are the labels. `age` is one of eight intervals, or a single number,
# or the text `None`. The others say where in the photograph the face was found, and at what angle.
# The aligned images have been turned upright by them already.
#
# The filter of section 2.1 is one line. It keeps a row if its age is one of the eight labels and
# its gender is f or m.

# %%
rows = read_folds(drawn.root)
passes = rows["age"].isin(labels.AGE_LABELS) & rows["gender"].isin(labels.GENDER_LABELS)
assert (len(rows), passes.sum(), len(drawn.faces)) == (177, 165, 163)
rows.loc[~passes, ["age", "gender"]].value_counts(dropna=False).rename("rows dropped")

# %% [markdown]
# Two of the 165 rows that pass name an image that is missing or cannot be read, as a real folder
# may. The demo goes on without them, and anything else stops there unless `allow_missing` says
# otherwise. The 163 that are left become the manifest, a table with one row a face. Labels are
# positions from here on: gender 0 is f and 1 is m, and age 0 to 7 are the eight intervals in order.
# Section 2.1 says the same: "the class labels are then encoded with integers".

# %%
drawn.faces.head(3)

# %% [markdown]
# The file that a row names is decoded to 256 by 256 pixels: the shorter side is scaled to 256, and
# the square in the middle is kept. The network sees less than that. Its input is a window of 227
# pixels, somewhere in the image during training and in the centre otherwise. The paper calls this
# random cropping, and it is the only augmentation that it uses. A window of 227 can begin at 30
# places along each side, so one face gives 900 slightly different pictures.

# %%
file = drawn.root / drawn.faces.loc[0, "path"]
with Image.open(file) as stored:
    size = stored.size
face = read_face(file)
assert np.array_equal(face, pixels[0])
middle = slice((256 - 227) // 2, (256 - 227) // 2 + 227)
centre = RandomCrop(227)(face[None])[0]
assert np.array_equal(centre, face[middle, middle])
assert (256 - 227 + 1) ** 2 == 900
print(f"stored {size}, decoded {face.shape} {face.dtype}, cropped {tuple(centre.shape)}")

# %%
random = np.random.default_rng(0)
starts = random.integers(0, 30, size=(3, 2))
windows = [face[y : y + 227, x : x + 227] for y, x in starts]
shown = {
    "decoded": face,
    "the centre": centre,
    **{f"a window, {n + 1}": w for n, w in enumerate(windows)},
}
figure, axes = panels(1, len(shown), width=9, height=2.2)
figure.set_label("A drawn face as it was decoded, the crop at its centre, and three random crops.")
for axis, (title, picture) in zip(axes, shown.items(), strict=True):
    axis.imshow(picture)
    axis.set(title=title, xticks=[0, len(picture)], yticks=[0, len(picture)])
notebook.show_signed(figure, "DEMO: a drawn face, not a person")

# %% [markdown]
# A batch is what one update of the weights learns from: so many faces, and the two labels of each.
# Pixels stay whole numbers from 0 to 255 until they are in the network, whose first layers crop
# them and divide by 255. That keeps the decoded faces four times smaller in memory and on disk than
# floating point would.

# %%
batches = Batches(pixels, drawn.faces, ("gender", "age"), batch_size=32, shuffle_seed=2022)
faces_of_batch, truth = batches[0]
assert faces_of_batch.nbytes * 4 == faces_of_batch.astype("float32").nbytes
print(f"{len(batches)} batches; the first: {faces_of_batch.shape} {faces_of_batch.dtype}")
{task: (values.shape, str(values.dtype), values[:4, 0].tolist()) for task, values in truth.items()}

# %% [markdown]
# ## Nobody on both sides
#
# A fold is tested by a network that was trained on the other four. If a person had pictures on both
# sides, the network could pass the test by recognising the person, or the sofa. So a split moves
# whole subjects. The cell below makes all five splits, with faces held out for early stopping as
# well, and fails if any two parts share a subject. It then counts what a split by picture would
# have done instead.

# %%
faces = drawn.faces
for fold in range(5):
    parts = split(faces, fold, "held_out", seed=2022)
    sides = [set(faces.loc[part, "subject"]) for part in (parts.train, parts.monitored, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == faces["subject"].nunique()
    assert len(parts.train) + len(parts.monitored) + len(parts.test) == len(faces)
at_random = np.random.default_rng(0).permutation(len(faces)) % 5
known = [
    faces["subject"][at_random == k].isin(faces["subject"][at_random != k]).mean() for k in range(5)
]
assert f"{100 * np.mean(known):.0f}" == "98"
print(f"Split by picture, {np.mean(known):.0%} of the test faces would show a known subject.")

# %% [markdown]
# In the demo, as in Adience, an album has several pictures. Split by picture, 98 % of the test
# faces would belong to an album that is trained on too. Accuracy would rise, and it would measure
# memory. This is the most common mistake in work on such data, and the paper does not make it: it
# takes the five folds of Levi & Hassner, which are split by album.

# %% [markdown]
# ## What it does on real faces
#
# Adience is given out on request, and it is not here. The numbers of this report come from UTKFace,
# another collection of labelled faces, of which 1,000 were drawn. No picture of it is shown or
# kept: what follows is counted from the committed records.

# %% tags=["real-faces", "nbval-check-output"]
recorded, real = study.read()
people = recorded.faces
dropped = recorded.dataset.drops.set_index("reason")["rows"]
assert (f"{dropped['all rows']:,}", f"{dropped['kept']:,}") == ("7,812", "5,859")
assert f"{dropped['age in none of the labels']:,}" == "1,877"
assert list(dropped[["identical files disagree", "exact repeat", "malformed name"]]) == [43, 32, 1]
assert list(discrepancies.BETWEEN_LABELS.items()) == [("35", 294), ("22", 149), ("3", 18)]
assert dropped["kept"] == len(recorded.dataset.faces) and len(people) == 1_000
dropped[dropped > 0].to_frame()

# %% [markdown]
# **What is dropped.** Of 7,812 files 5,859 are left. Nearly all of the others, 1,877, are of people
# whose age lies between the labels. Adience's eight intervals leave gaps, and the filter drops who
# falls into them, there too: its published fold files label 294 rows 35, 149 rows 22 and 18 rows 3.
# Whoever trains on the rest gets a network that has never seen such a face and must call it
# something else, and a test that never asks about one. The paper does not say so, but every
# accuracy on eight such labels is an accuracy on the easier part of the ages. The next row is about
# quality: 43 files hold the same bytes as another file with another label, so one of the two labels
# is wrong, and both are left out. Another 32 are exact copies, of which one is kept. One has a name
# that says nothing.

# %% tags=["real-faces", "nbval-check-output"]
by_age = tables.ages(people)
share = 100 * by_age.sum(axis=1) / len(people)
ages = ("(0, 2)", "(60, 100)", "(25, 32)", "(4, 6)", "(38, 43)", "(48, 53)")
assert [f"{share[age]:.1f}" for age in ages] == ["21.6", "18.9", "16.4", "7.1", "6.8", "8.3"]
assert f"{100 * by_age['f'].sum() / len(people):.1f}" == "54.7"
assert share.idxmax() == "(0, 2)" and by_age.sum(axis=1)["(38, 43)"] == 68
women = 100 * by_age["f"] / by_age.sum(axis=1)
assert [f"{women[age]:.0f}" for age in ("(0, 2)", "(25, 32)")] == ["42", "69"]
by_age.assign(**{"share (%)": share.round(1), "women (%)": women.round(1)})

# %% tags=["real-faces", "nbval-check-output"]
notebook.show_recorded(recorded, figures.age_by_gender(by_age))

# %% [markdown]
# **Figure 2 on real faces.** The paper's figure has one tall pair of bars, at 25 to 32, and
# concludes that its network will be best there. Here the most frequent age is (0, 2) with 21.6 % of
# the faces, then (60, 100) with 18.9 %, and only then (25, 32) with 16.4 %. Three labels are rare:
# (4, 6) with 7.1 %, (38, 43) with 6.8 % and (48, 53) with 8.3 %.
#
# This decides several things before any network is trained. Whoever always answers "(0, 2)" is
# right on a fifth of these faces, so that is what a network for age has to beat. Babies are easy to
# tell from everybody else, so a network gets much of its accuracy from telling infants from adults,
# and little of it from telling (38, 43) from (48, 53). The accuracies on age in this report are
# higher than the paper's, and this is one reason. It does not mean that these networks are better.
# It means that the question was another one. And claim 8, which expects the most frequent age to be
# the best, cannot be tested where another age is the most frequent.
#
# Women are 54.7 % of all, close to the paper's 53 %. But the share depends on the age: 42 % of the
# babies and 69 % of those aged 25 to 32 are labelled f. Gender and age are therefore not
# independent here, and a network may use one to guess the other.

# %% tags=["real-faces", "nbval-check-output"]
races = pd.crosstab(people["race"], people["age"])
races.columns = labels.AGE_LABELS
count, babies = races.sum(axis=1), 100 * races["(0, 2)"] / races.sum(axis=1)
assert [count[race] for race in ("White", "Asian", "Black")] == [524, 177, 46]
assert [f"{babies[race]:.0f}" for race in ("Asian", "White")] == ["50", "9"]
assert f"{100 * races.loc['White', '(60, 100)'] / count['White']:.0f}" == "28"
races.assign(faces=count)

# %% [markdown]
# **Labels of race.** UTKFace has five. A program guessed them from the pictures, and people checked
# the guesses: they say how a face was seen, and nothing that its owner said. Adience has none, so
# the paper could not ask for whom its networks work. Here it can be asked, with care. Of the 1,000
# faces 524 are labelled White and 46 Black, and 46 faces cannot carry a finding: their interval is
# some 25 points wide. The groups also differ in age. 50 % of the faces labelled Asian are babies
# and 9 % of those labelled White, of which 28 % are over 60. A network that is good at babies will
# look good on the first group for that reason alone. Notebook 05 comes back to this.

# %% tags=["real-faces", "nbval-check-output"]
by_fold = tables.folds(people)
assert (by_fold["faces"] == 200).all() and (by_fold["faces"] == by_fold["subjects"]).all()
assert (by_fold["female"].min(), by_fold["female"].max()) == (53.5, 57.0)
assert (by_fold["(38, 43)"].min(), by_fold["(38, 43)"].max()) == (11, 16)
assert f"{100 / 16:.0f} to {100 / 11:.0f}" == "6 to 9"
by_fold

# %% [markdown]
# **The folds.** Each has 200 faces, 53.5 to 57.0 % of them women, dealt so that ages and genders
# are as even as whole faces allow. `subjects` equals `faces`, and that is the weakest point of
# these data. UTKFace names nobody. Each picture counts as its own subject, and somebody who is in
# it twice may be trained and tested on. The split of the last section cannot prevent what it cannot
# see, so scores may be too high. Adience's folds keep each album on one side.
#
# The folds are also small. A fold has 11 to 16 faces aged 38 to 43, so a single one of them is
# worth 6 to 9 points of that age's recall. Differences between ages are worth reading over all five
# folds together, and hardly within one.
#
# **What follows from all this.** Nothing measured on these faces is a measurement on Adience.
# Accuracies do not carry over, as the ages, the people and the splits differ. What can carry over
# is a comparison: whether one network does better than another, when both are trained and tested on
# the same faces. That is what the paper's claims are about, and that is what notebooks 02 to 05
# test.

# %% [markdown]
# ## Run it yourself
#
# From here on everything is about the data that you named, or the drawn demo if you named none. A
# row that is dropped counts under the first reason that applies, so the rows add up. On the demo
# the faces are drawings, and the numbers only show that the programs work.

# %% tags=["nbval-check-output"]
dataset = experiment.dataset
notebook.keep(experiment, dataset.drops.set_index("reason"), "drops")

# %%
seed = experiment.protocol.seed
samples = figures.sample_faces(experiment.images, dataset.faces, seed)
notebook.show(experiment, samples, "figure_1_samples")

# %% tags=["nbval-check-output"]
of_data = notebook.keep(experiment, tables.ages(dataset.faces), "age_by_gender")
of_data

# %%
notebook.show(experiment, figures.age_by_gender(of_data), "figure_2_age_by_gender")

# %% tags=["nbval-check-output"]
assert (dataset.faces.groupby("subject")["fold"].nunique() == 1).all()
folds = notebook.keep(experiment, tables.folds(dataset.faces), "folds")
folds

# %%
ages_of_folds = folds.drop(columns=["faces", "subjects", "female"])
notebook.show(experiment, figures.fold_composition(ages_of_folds), "folds")

# %% [markdown]
# ## Summary
#
# - A row becomes a face of 256 by 256 pixels, a window of 227 of it, and two whole numbers.
# - A split moves whole subjects. Split by picture, nearly every test face would be known.
# - The real faces of this report are 1,000 of UTKFace: a fifth babies, and no ages between the
#   labels. The most frequent age is (0, 2) and not (25, 32) as in Adience.
# - UTKFace names nobody, so a person may be on both sides, and it labels race, so it can be asked
#   for whom a network works.
#
# **Limits.** Labels of gender, age and race are what somebody saw in a picture. Adience's own
# counts can be told only by whoever has its fold files. The paper counts 16,228 images; notebook 05
# lists what is known about that number.
#
# **An exercise.** It needs a copy of UTKFace. Age has eight labels with gaps between them. Write
# the filter so that somebody of 35 years gets the nearest label in place of none (`age_label_of` in
# `adience_lib/data/labels.py` is the place for UTKFace). How many of the 1,877 dropped files come
# back, and which label grows the most? Would you expect the accuracy on age to rise or to fall, and
# would the paper's networks have become worse?
