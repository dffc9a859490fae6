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
# another collection of labelled faces, of which 4,000 were drawn. No picture of it is shown or
# kept: what follows is counted from the committed records.

# %% tags=["real-faces", "nbval-check-output"]
recorded, real = study.read()
people = recorded.faces
dropped = recorded.dataset.drops.set_index("reason")["rows"]
assert (f"{dropped['all rows']:,}", f"{dropped['kept']:,}") == ("23,708", "16,262")
assert f"{dropped['age in none of the labels']:,}" == "6,969"
odd = ["identical files disagree", "exact repeat", "malformed name"]
assert list(dropped[odd]) == [299, 173, 5]
assert list(discrepancies.BETWEEN_LABELS.items()) == [("35", 294), ("22", 149), ("3", 18)]
assert dropped["kept"] == len(recorded.dataset.faces) and len(people) == 4_000
dropped[dropped > 0].to_frame()

# %% [markdown]
# **What is dropped.** Of 23,708 files 16,262 are left. Nearly all of the others, 6,969, are of
# people whose age lies between the labels. Adience's eight intervals leave gaps, and the filter
# drops who falls into them, there too: its published fold files label 294 rows 35, 149 rows 22 and
# 18 rows 3. Whoever trains on the rest gets a network that has never seen such a face and must call
# it something else, and a test that never asks about one. The paper does not say so, but every
# accuracy on eight such labels is an accuracy on the easier part of the ages. The next row is about
# quality: 299 files hold the same bytes as another file with another label, so one of the two
# labels is wrong, and both are left out. Another 173 are exact copies, of which one is kept. Five
# have a name that says nothing.

# %% tags=["real-faces", "nbval-check-output"]
by_age = tables.ages(people)
share = 100 * by_age.sum(axis=1) / len(people)
ages = ("(25, 32)", "(60, 100)", "(38, 43)", "(0, 2)", "(4, 6)", "(8, 12)")
assert [f"{share[age]:.1f}" for age in ages] == ["40.7", "15.6", "10.0", "9.6", "3.7", "4.8"]
assert f"{100 * by_age['f'].sum() / len(people):.1f}" == "49.4"
assert share.idxmax() == "(25, 32)" and by_age.sum(axis=1)["(4, 6)"] == 149
women = 100 * by_age["f"] / by_age.sum(axis=1)
assert [f"{women[age]:.0f}" for age in ("(48, 53)", "(4, 6)")] == ["33", "65"]
by_age.assign(**{"share (%)": share.round(1), "women (%)": women.round(1)})

# %% tags=["real-faces", "nbval-check-output"]
notebook.show_recorded(recorded, figures.age_by_gender(by_age))

# %% [markdown]
# **Figure 2 on real faces.** The paper's figure has one tall pair of bars, at 25 to 32, and
# concludes that its network will be best there. Here it is the same: (25, 32) has 40.7 % of the
# faces, then comes (60, 100) with 15.6 %, (38, 43) with 10.0 % and (0, 2) with 9.6 %. The rarest
# are (4, 6) with 3.7 % and (8, 12) with 4.8 %.
#
# This decides several things before any network is trained. Whoever always answers "(25, 32)" is
# right on two fifths of these faces, so that is what a network for age has to beat. An accuracy on
# age is largely an accuracy on young adults. And claim 8, which expects the most frequent age to be
# the best, can be tested here.
#
# Women are 49.4 % of all; the paper has 53 %. But the share depends on the age: 33 % of those aged
# 48 to 53 and 65 % of those aged 4 to 6 are labelled f. Gender and age are therefore not
# independent here, and a network may use one to guess the other.

# %% tags=["real-faces", "nbval-check-output"]
races = pd.crosstab(people["race"], people["age"])
races.columns = labels.AGE_LABELS
count, young = races.sum(axis=1), 100 * races["(25, 32)"] / races.sum(axis=1)
named = ("White", "Black", "Asian", "Indian", "other")
assert [count[race] for race in named] == [1723, 763, 630, 610, 274]
assert [f"{young[race]:.0f}" for race in ("Black", "White")] == ["60", "28"]
assert f"{100 * races.loc['White', '(60, 100)'] / count['White']:.0f}" == "24"
assert f"{100 * races.loc['Asian', '(0, 2)'] / count['Asian']:.0f}" == "23"
assert f"{100 * races.loc['Black', '(0, 2)'] / count['Black']:.0f}" == "1"
races.assign(faces=count)

# %% [markdown]
# **Labels of race.** UTKFace has five. A program guessed them from the pictures, and people checked
# the guesses: they say how a face was seen, and nothing that its owner said. Adience has none, so
# the paper could not ask for whom its networks work. Here it can be asked, with care. Of the 4,000
# faces 1,723 are labelled White, 763 Black, 630 Asian, 610 Indian and 274 other. The groups differ
# in age. 60 % of the faces labelled Black are 25 to 32 years old and 28 % of those labelled White,
# of which 24 % are 60 or more. 23 % of those labelled Asian are babies, and 1 % of those labelled
# Black. A network that is good at one age will look good on a group that has many of it, for that
# reason alone. Notebook 05 comes back to this.

# %% tags=["real-faces", "nbval-check-output"]
by_fold = tables.folds(people)
assert (by_fold["faces"] == 800).all() and (by_fold["faces"] == by_fold["subjects"]).all()
assert (by_fold["female"].min(), by_fold["female"].max()) == (48.4, 50.1)
assert (by_fold["(4, 6)"].min(), by_fold["(4, 6)"].max()) == (24, 34)
assert f"{100 / 34:.0f} to {100 / 24:.0f}" == "3 to 4"
by_fold

# %% [markdown]
# **The folds.** Each has 800 faces, 48.4 to 50.1 % of them women, dealt so that ages and genders
# are as even as whole faces allow. `subjects` equals `faces`, and that is the weakest point of
# these data. UTKFace names nobody. Each picture counts as its own subject, and somebody who is in
# it twice may be trained and tested on. The split of the last section cannot prevent what it cannot
# see, so scores may be too high. Adience's folds keep each album on one side.
#
# For the rare ages the folds are small. A fold has 24 to 34 faces aged 4 to 6, so a single one of
# them is worth 3 to 4 points of that age's recall. Differences between ages are worth reading over
# all five folds together, and hardly within one.
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
# - The real faces of this report are 4,000 of UTKFace: two fifths aged 25 to 32, the most frequent
#   age of Adience too, and no ages between the labels.
# - UTKFace names nobody, so a person may be on both sides, and it labels race, so it can be asked
#   for whom a network works.
#
# **Limits.** Labels of gender, age and race are what somebody saw in a picture. Adience's own
# counts can be told only by whoever has its fold files. The paper counts 16,228 images; notebook 05
# lists what is known about that number.
#
# **An exercise.** It needs a copy of UTKFace. Age has eight labels with gaps between them. Write
# the filter so that somebody of 35 years gets the nearest label in place of none (`age_label_of` in
# `adience_lib/data/labels.py` is the place for UTKFace). How many of the 6,969 dropped files come
# back, and which label grows the most? Would you expect the accuracy on age to rise or to fall, and
# would the paper's networks have become worse?
