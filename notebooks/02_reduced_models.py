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
# # 2. The reduced networks
#
# > "The major difference is that only one-fourth of the filters are being used in each convolution
# > layer and only one-fourth of the hidden neurons in the fully connected layers are being used."
# > (section 3.1)
#
# > "The two models seem to be on par with the baseline model as the span of their respective
# > confidence intervals is overlapping." (section 5.1)
#
# > "Since the training time is highly correlated with the amount of model parameters, it is safe to
# > assume that the reduced models train faster." (section 5.1)
#
# **The question:** is a network with a quarter of the filters and units as good as the one that it
# was cut from, and is it cheaper to train? The first half of this notebook answers it on real
# faces, from the committed records of finished trainings. The second half trains on whatever data
# you name.

# %% [markdown]
# ## Parameters
#
# `papermill --help-notebook` lists them. In each, `None` stands for the protocol's own value.

# %%
before = set(dir())  # plain values that are set below are parameters

# %% tags=["parameters"]
data: str = None  # a dataset's folder, or "demo"; None: the variable ADIENCE_DATA, else the demo
epochs: int = None  # at most, 1 to 10000; None: the protocol's (the paper: 100)
batch_size: int = None  # faces, 1 to 4096; None: the protocol's (the paper: 128)
faces: int = None  # size of a sample of whole subjects; None: the protocol's (the paper: all)
folds: list = None  # folds to test on, such as [0, 1]; None: all five
learning_rate: float = None  # of Adam, up to 1; None: the protocol's (the paper: 0.0001)
monitor: str = None  # "test_fold" (as we read the paper), "held_out", "none"; None: the first
# The others are changed more rarely.
protocol: str = None  # "paper", "demo", "smoke", "levi_hassner"; None: as the data, demo or paper
extra_folds: list = None  # folds of what goes beyond Table 3; None: the first
held_out_folds: list = None  # folds monitored on held-out subjects; None: extra_folds
levi_hassner_epochs: int = None  # of their own recipe; None: epochs where given, else their 192
gamma: float = None  # weight of the gender loss in multi-task networks, 0 to 1; None: 0.5
precision: str = None  # "float32" or "mixed_bfloat16"; None: "float32"
seed: int = None  # of weights, dropout, crops, order and samples; None: 2022
allow_missing: bool = False  # go on without images that are missing or unreadable, and count them
drop_repeats: bool = False  # keep one of each set of equal rows of Adience
scheduler: str = None  # of Dask, for folds side by side: "local:2", an address; None: no Dask
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["real-faces", "nbval-ignore-output"]
# The library first: before Keras is loaded, it chooses the backend and how TensorFlow computes.
from adience_lib import models, training
from adience_lib.evidence import claims, metrics, paper, quality
from adience_lib.experiments.experiment import start, train, train_baseline, train_held_out
from adience_lib.experiments.linear_probes import probe
from adience_lib.experiments.results import find_runs
from adience_lib.models.layers import LocalResponseNormalization, RandomCrop
from adience_lib.models.summary import architecture_table
from adience_lib.report import figures, findings, forest, further_figures, notebook, study, tables

# isort: split
import inspect

import keras
import numpy as np
import pandas as pd
from IPython.display import Markdown

# %%
experiment = start(globals(), before)

# %% [markdown]
# ## The networks, in Keras
#
# Table 1 of the paper, line by line. The network for gender ends in one sigmoid, the probability of
# "m". The network for age is another one of the same kind with eight outputs. They share nothing.
#
# Two layers are not Keras' own. `RandomCrop` takes a window of 227 pixels out of each image in
# training, and the centre otherwise. `LocalResponseNormalization` divides each value by a sum over
# its neighbouring channels.

# %%
LAYERS = keras.layers


def reduced(task, classes, activation):
    """Table 1: a network that answers ``task``."""
    image = [keras.Input((256, 256, 3), dtype="uint8"), RandomCrop(227), LAYERS.Rescaling(1 / 255)]
    trunk = [
        LAYERS.Conv2D(24, 7, activation="relu"),
        LAYERS.MaxPooling2D(3, 2),  # Table 1 says 1x1, its sizes need 3x3
        LocalResponseNormalization(),
        LAYERS.Conv2D(64, 5, activation="relu"),
        LAYERS.MaxPooling2D(3, 2),
        LocalResponseNormalization(),
        LAYERS.Conv2D(96, 3, activation="relu"),
        LAYERS.MaxPooling2D(3, 2),
        LocalResponseNormalization(),
    ]
    head = [LAYERS.Flatten(), LAYERS.Dense(128, activation="relu"), LAYERS.Dropout(0.5)]
    head += [LAYERS.Dense(128, activation="relu"), LAYERS.Dropout(0.5)]
    head += [LAYERS.Dense(classes, activation=activation, name=task)]
    return keras.Sequential(image + trunk + head)


by_hand = {"gender": reduced("gender", 1, "sigmoid"), "age": reduced("age", 8, "softmax")}

# %% tags=["nbval-check-output"]
layers = architecture_table(by_hand["gender"])
with_weights = layers.loc[layers["parameters"] > 0, "parameters"]
assert list(with_weights) == [3_552, 38_464, 55_392, 7_078_016, 16_512, 129]
assert by_hand["gender"].count_params() == 7_192_065
assert by_hand["age"].count_params() == 7_192_968
assert LAYERS.MaxPooling2D(1, 2).compute_output_shape((1, 221, 221, 24))[1] == 111
assert LAYERS.MaxPooling2D(3, 2).compute_output_shape((1, 221, 221, 24))[1] == 110
assert f"{100 * 7_078_016 / layers['parameters'].sum():.1f}" == "98.4"
convolutions = layers.loc[layers["operation"] == "Conv2D", "multiply_adds"].sum()
assert f"{100 * convolutions / layers['multiply_adds'].sum():.1f}" == "99.1"
layers[["operation", "kernel", "output", "parameters", "multiply_adds"]]

# %% [markdown]
# Sizes and weights are those of Table 1. One thing had to be mended: its pooling windows of 1x1
# with stride 2 make 111 places out of 221, where the same table has 110. Windows of 3x3 make 110,
# and they are what Levi & Hassner used.
#
# The last two columns are worth a second look. 98.4 % of the weights stand in one layer, the first
# fully connected one. 99.1 % of the multiplications are done by the three convolutions, which have
# few weights and use each of them at thousands of places. The number of weights says next to
# nothing about the work. The paper infers the one from the other, and this will matter below.
#
# The library's `models.build` builds the same networks with names for their layers: the weights
# have the same shapes in the same order, and with equal weights the answers are equal.

# %%
few = experiment.images[:4]
for task, network in by_hand.items():
    library = models.build(task)
    assert [w.shape for w in network.weights] == [w.shape for w in library.weights]
    network.set_weights(library.get_weights())
    answers = library.predict(few, verbose=0)[task]
    np.testing.assert_allclose(network.predict(few, verbose=0), answers, rtol=1e-4, atol=1e-5)

# %% tags=["nbval-check-output"]
table_1 = notebook.keep(experiment, tables.table_1(), "table_1")
table_2 = notebook.keep(experiment, tables.table_2(), "table_2")
assert table_1["match"].all(), "Table 1 differs from the paper's"
assert table_2["match"].all(), "Table 2 differs from the paper's"
table_2

# %% [markdown]
# ## What they are reduced from
#
# The paper reduces a baseline of 115,023,873 weights. That is Table 1 with four times the filters
# and units, `full_width_gender` below. Levi & Hassner published another network. Its first
# convolution has stride 4, so all that follows works on maps of 56, 28 and 14 places a side. It
# normalises after the first two poolings only, takes the mean image off the pixels, mirrors faces
# at random, and has two outputs for gender.

# %% tags=["nbval-check-output"]
baseline = notebook.keep(experiment, tables.baseline(), "baseline").set_index("model")
times, work = "parameters, times reduced", "arithmetic, times reduced"
published = architecture_table(models.build("levi_hassner_gender"))["output"]
assert {"56 x 56 x 96", "28 x 28 x 256", "14 x 14 x 384"} <= set(published)
assert f"{baseline.loc['full_width_gender', 'parameters']:,}" == "115,023,873"
assert f"{baseline.loc['levi_hassner_gender', 'parameters']:,}" == "11,411,970"
assert [f"{baseline.loc['full_width_gender', n]:.1f}" for n in (times, work)] == ["16.0", "13.2"]
assert [f"{baseline.loc['levi_hassner_gender', n]:.2f}" for n in (times, work)] == ["1.59", "0.95"]
baseline

# %% [markdown]
# Against the 115 million, the reduced network has a sixteenth of the weights and needs a thirteenth
# of the arithmetic. Against the network that was published, it has fewer weights too, as theirs has
# 1.59 times as many. But theirs needs 0.95 times the multiplications. A quarter of the filters
# divides the work of a convolution by about sixteen; giving up the stride of 4 multiplies the
# places at which it works by about sixteen. Nothing is saved where the time is spent.

# %% [markdown]
# ## One epoch
#
# Three batches of 32 faces are enough to see the parts at work. The learning rate is the paper's
# 0.0001, which it calls the default of Adam. Keras' default is ten times that.

# %%
losses = {"gender": "binary_crossentropy", "age": "sparse_categorical_crossentropy"}
some = experiment.faces[experiment.faces["fold"] != 0].head(96)
epoch = {}
for task, network in by_hand.items():
    adam = keras.optimizers.Adam(experiment.protocol.learning_rate)
    network.compile(adam, loss=losses[task], metrics=["accuracy"])
    labels = some[task].to_numpy()
    seen = network.fit(experiment.images[some.index], labels, batch_size=32, epochs=1, verbose=0)
    epoch[task] = {name: round(values[0], 2) for name, values in seen.history.items()}
pd.DataFrame(epoch)

# %% [markdown]
# `train()` does this for all folds, resumably. Section 3.4 says only "early stopping with a
# patience of 10". Our reading is ten epochs without a lower loss, summed over the tasks, and the
# weights of the best epoch. The rule is worked out from the history alone, so that an interrupted
# training stops where it would have stopped anyway:

# %% tags=["nbval-check-output"]
print(inspect.getsource(training.best_epoch))
print(inspect.getsource(training.is_over))

# %% [markdown]
# ## What they do on real faces
#
# The figures and numbers of this section come from committed records of trainings on UTKFace,
# another collection of labelled faces: no picture, no network and no training is needed to draw
# them. They are the same whatever data you run the second half on.

# %% tags=["real-faces", "nbval-check-output"]
recorded, real = study.read()
Markdown(study.in_words(recorded, real))

# %% tags=["real-faces"]
notebook.show_recorded(recorded, figures.learning_curves(real.finished["gender"]))

# %% tags=["real-faces", "nbval-check-output"]
by_network = tables.table_3(real).loc[["gender", "age"]]
of_gender, records = by_network.loc["gender"], real.finished["gender"].records
history = real.finished["gender"].history.sort_values("epoch")
trainings = history.groupby(["fold", "repetition"])
last, least = trainings.tail(1).mean(), trainings["val_loss"].min().mean()
assert [len(trainings), set(records["train"])] == [10, {3_200}]
losses = [f"{loss:.2f}" for loss in (least, last["val_loss"], last["loss"])]
assert losses == ["0.28", "0.30", "0.24"]
assert [f"{100 * last[f'{n}gender_accuracy']:.1f}" for n in ("", "val_")] == ["89.0", "86.5"]
together = history.groupby("epoch")[["loss", "val_loss"]].mean()
assert together.index[together["loss"] < together["val_loss"]].min() == 30
ends = [f"{of_gender[f'gender {n}']:.1f}" for n in ("accuracy", "low", "high", "majority")]
assert ends == ["86.6", "85.6", "87.7", "50.6"]
assert (f"{of_gender['epochs']:.1f}", f"{of_gender['best epoch']:.1f}") == ("49.1", "39.1")
tables.readable_table_3(by_network)[["gender", "age", "epochs", "best epoch", "folds"]]

# %% tags=["real-faces"]
an_epoch, an_epoch_of_paper = np.ceil(3_200 / 31), np.ceil(paper.IMAGES * 0.8 / 128)
assert [an_epoch, an_epoch_of_paper] == [104, 102]
of_paper = paper.BEST_EPOCHS["gender"] * an_epoch_of_paper
updates = [of_gender["best epoch"] * an_epoch, of_paper]
assert [f"{count:,.0f}" for count in updates] == ["4,066", "4,162"]
assert [paper.PATIENCE, round(paper.IMAGES * 0.8, -3)] == [10, 13_000]
assert list(paper.TABLE_3.loc[["gender", "age"], "epochs"]) == [50.8, 34.2]

# %% [markdown]
# **Figure 4 on real faces.** The gender network, trained twice on each of five folds with 3,200
# faces and tested on the other 800 after every epoch. Each of the ten trainings is a thin line, the
# number of its fold stands at its best epoch, the thick line is their mean, the band one standard
# deviation. The dashed line is the training faces, seen through crops and dropout.
#
# At first the training faces are the harder ones. From epoch 30 on their loss is the lower one, and
# the lines go apart, but slowly. At the end of a training 89.0 % of the training faces are right,
# and 86.5 % of the test faces. The loss on the test faces is 0.28 at the best epochs, on average,
# and 0.30 ten epochs later, while on the training faces it has come down to 0.24. At its best
# epochs the network is right on 86.6 % of the test faces, and the truth may lie between 85.6 and
# 87.7. The same answer for every face would be right on 50.6 %. These are scores of the epoch that
# was best on the scored faces themselves, which is how the paper is read here.
#
# A training takes 49.1 epochs on average, the paper's took 50.8. An epoch has 104 updates here and
# had 102 there, so the two can be compared: the best epoch comes after 4,066 updates, the paper's
# after about 4,162. That they agree so well may be luck. There are 3,200 training faces here, and
# there were some 13,000.

# %% tags=["real-faces"]
notebook.show_recorded(recorded, figures.learning_curves(real.finished["age"]))

# %% tags=["real-faces"]
of_age, records = by_network.loc["age"], real.finished["age"].records
history = real.finished["age"].history.sort_values("epoch")
trainings = history.groupby(["fold", "repetition"])
last, least = trainings.tail(1).mean(), trainings["val_loss"].min().mean()
losses = [f"{loss:.2f}" for loss in (least, last["val_loss"], last["loss"])]
assert losses == ["0.92", "0.95", "0.81"]
assert [f"{100 * last[f'{n}age_accuracy']:.1f}" for n in ("", "val_")] == ["68.7", "66.8"]
together = history.groupby("epoch")[["loss", "val_loss"]].mean()
assert together.index[together["loss"] < together["val_loss"]].min() == 55
ends = [f"{of_age[f'age {n}']:.1f}" for n in ("accuracy", "low", "high", "majority")]
assert ends == ["66.7", "65.3", "68.0", "40.7"]
first = trainings.head(1).set_index(["fold", "repetition"])["val_age_accuracy"]
young = (recorded.faces["age"] == 4).groupby(recorded.faces["fold"]).mean()
assert np.allclose(first, first.index.get_level_values("fold").map(young), atol=1e-6)
assert (f"{of_age['epochs']:.1f}", f"{of_age['best epoch']:.1f}") == ("80.3", "70.3")
assert [records["epochs"].min(), records["epochs"].max()] == [70, 92]
assert not real.finished["age"].cut_short and real.finished["age"].protocol.epochs == 100
updates = [of_age["best epoch"] * an_epoch, paper.BEST_EPOCHS["age"] * an_epoch_of_paper]
assert [f"{count:,.0f}" for count in updates] == ["7,311", "2,468"]
assert f"{updates[0] / updates[1]:.1f}" == "3.0"

# %% [markdown]
# **Figure 5 on real faces.** The age network, drawn in the same way.
#
# After its first epoch it is right on exactly as many faces of each fold as the answer "(25, 32)"
# for all of them. From there it climbs for a long time. Its lines go apart as those of gender do,
# only later: the loss on the training faces is the lower one from about epoch 55 on. At the end
# 68.7 % of the training faces are right and 66.8 % of the test faces, with losses of 0.81 and 0.95.
# At the best epochs the loss on the test faces is 0.92, and 66.7 % are right (65.3 to 68.0), where
# the most frequent label gives 40.7 %.
#
# The trainings take 70 to 92 of the 100 epochs allowed, 80.3 on average, and early stopping ended
# each of them. The paper's ended after 34.2. Counted in updates the best epoch comes after 7,311
# and the paper's after about 2,468, so this network learned for 3.0 times as long. Gender shows no
# such gap, with the same rule of stopping. Why age does cannot be told from here: the faces, their
# labels and the folds are all others.
#
# "All curves converges after about 60 epochs", says section 4.1 of both networks. By the paper's
# Table 3 its trainings on age had ended after 34.2 epochs on average, the ten of waiting included.
# One of the two is wrong.

# %% tags=["real-faces", "nbval-check-output"]
spread, apart, ended = {}, {}, {}
for task in ("gender", "age"):
    scores = metrics.fold_scores(real.finished[task])[task]
    right = scores.mean() / 100
    spread[task] = scores.std(ddof=1), 100 * np.sqrt(right * (1 - right) / 800)
    hits = metrics.hits(real.finished[task], task)
    counts = pd.DataFrame(hits.right).groupby(hits.faces["fold"]).sum()
    apart[task] = (counts[0] - counts[1]).abs().max()
    epochs = real.finished[task].records.pivot(index="fold", columns="repetition", values="epochs")
    ended[task] = (epochs[0] - epochs[1]).abs().max()
assert [f"{ours:.1f}" for ours, _ in spread.values()] == ["1.1", "1.3"]
assert [f"{chance:.1f}" for _, chance in spread.values()] == ["1.2", "1.7"]
assert [apart, ended] == [{"gender": 18, "age": 8}, {"gender": 16, "age": 10}]
pd.DataFrame(spread, index=["between folds", "by chance"]).round(1)

# %% [markdown]
# The paper sees that age varies more over the folds than gender. So it does here, with standard
# deviations of 1.3 points on age and 1.1 on gender, and that means nothing: samples of 800 faces
# differ by 1.7 and 1.2 points by chance alone. These folds are dealt evenly by age and gender. The
# claim is about Adience's folds and **cannot be tested here**.
#
# Two trainings of a fold have the same faces and differ only in what is drawn at random. They end
# up to 16 epochs apart on gender and 10 on age, and up to 18 and 8 of the 800 test faces apart. A
# single training of a fold may be off by as much.

# %% [markdown]
# ### What an accuracy hides: ages that are seldom given

# %% tags=["real-faces"]
notebook.show_recorded(recorded, figures.confusion_matrices({"age": real.finished["age"]}, "age"))

# %% tags=["real-faces", "nbval-check-output"]
predictions = real.finished["age"].predictions
counts = metrics.confusion(predictions, "age")
assert counts.to_numpy().sum() == 2 * len(recorded.faces) == 8_000
seldom = ["(15, 20)", "(38, 43)", "(48, 53)"]
hits, faces = pd.Series(np.diag(counts), counts.columns), counts.sum(axis=1)
assert faces[seldom].sum() == 2_046 and f"{100 * faces[seldom].sum() / 8_000:.0f}" == "26"
assert counts[seldom].to_numpy().sum() == 843 and f"{100 * 843 / 8_000:.0f}" == "11"
assert f"{100 * hits[seldom].sum() / faces[seldom].sum():.1f}" == "14.7"
assert f"{100 * hits.drop(seldom).sum() / faces.drop(seldom).sum():.1f}" == "84.5"
share = counts.div(faces, axis=0).mul(100).round().astype(int)
assert list(share.loc["(15, 20)", ["(15, 20)", "(25, 32)"]]) == [14, 72]
assert list(share.loc["(38, 43)", ["(38, 43)", "(25, 32)", "(60, 100)"]]) == [14, 62, 12]
assert list(share.loc["(48, 53)", ["(48, 53)", "(25, 32)", "(60, 100)"]]) == [16, 31, 38]
assert list(share.loc["(4, 6)", ["(4, 6)", "(0, 2)", "(8, 12)"]]) == [36, 32, 22]
classes = quality.classes(real.finished["age"], "age")
told = classes.loc[["(0, 2)", "(25, 32)", "(60, 100)"], "recall"]
assert [f"{recall:.1f}" for recall in told] == ["95.8", "91.1", "83.0"]
assert classes.loc["(4, 6)", "faces"] == classes["faces"].min() == 149
classes.round(1)

# %% tags=["real-faces"]
forties = metrics.probabilities(predictions, "age")[(predictions["age"] == 5).to_numpy()]
given = 100 * forties.mean(axis=0)
assert [f"{given[label]:.1f}" for label in (5, 4, 6, 7)] == ["22.2", "42.4", "15.8", "12.7"]
ends = [f"{of_age[f'age recall{n}']:.1f}" for n in ("", " low", " high")]
assert ends == ["49.9", "47.5", "52.2"]
assert f"{of_age['age accuracy (paper)']:.1f}" == "46.8"
assert f"{of_age['one-off']:.0f}" == "90"
near = ((recorded.faces["age"] - 4).abs() <= 1).mean()
assert f"{100 * near:.0f}" == "58"

# %% [markdown]
# Rows are true ages and columns are answers, over all five folds and both trainings: 8,000 answers,
# two to each face, and all shares are of these. Three ages are told well: (0, 2) with 95.8 %, (25,
# 32) with 91.1 % and (60, 100) with 83.0 %. Three are hardly told at all. Of the faces that are 15
# to 20, 38 to 43 or 48 to 53 years old, 26 % of all, 14.7 % are right; of the others 84.5 %. The
# network gives these three labels in 11 % of its answers.
#
# Where they go is plain. Of those of 15 to 20, 72 % become 25 to 32, and 14 % are right. Of those
# of 38 to 43, 62 % become 25 to 32, 12 % become 60 to 100, and 14 % are right. Those of 48 to 53
# are divided: 31 % become young, 38 % old, and 16 % are right. The rarest age, (4, 6) with 149
# faces, is right in 36 %, called a baby in 32 % and an older child in 22 %.
#
# The accuracy of 66.7 % shows nothing of this, because it counts faces, and two fifths of them are
# 25 to 32. The mean of the eight recalls, in which each age counts as much, is 49.9 % (47.5 to
# 52.2). The usual "within one class", 90 %, hides it even better: there the answer "(25, 32)" for
# every face would have 58 %.
#
# Nor does the network see nothing in these faces. To one of 38 to 43 years it gives that label a
# probability of 22.2 % on average, but 42.4 % go to 25 to 32, 15.8 % to 48 to 53 and 12.7 % to 60
# and above. A more frequent neighbour wins. That is what the loss asks for, which counts faces and
# not ages. The paper shows no confusion matrix; whether its 46.8 % hide the same is not known.

# %% [markdown]
# ### Whose gender is told

# %% tags=["real-faces", "nbval-check-output"]
groups = quality.groups(real.finished["gender"], "gender")
babies, accuracy = groups.loc["(0, 2)"], groups["accuracy"].map("{:.1f}".format)
ends = [f"{babies[n]:.1f}" for n in ("accuracy", "low", "high", "most frequent")]
assert ends == ["57.3", "52.3", "62.2", "54.7"]
assert list(accuracy[["(4, 6)", "(8, 12)", "(15, 20)"]]) == ["70.5", "72.0", "87.2"]
assert list(accuracy[["(25, 32)", "(38, 43)", "(48, 53)"]]) == ["93.3", "94.1", "94.1"]
assert list(accuracy[["m (4, 6)", "m (8, 12)"]]) == ["53.8", "55.1"]
assert list(accuracy[["f (4, 6)", "f (8, 12)"]]) == ["79.4", "86.2"]
assert list(accuracy[["(60, 100)", "f (60, 100)", "m (60, 100)"]]) == ["86.5", "75.6", "94.5"]
assert [groups.loc[n, "faces"] for n in ("m (4, 6)", "m (8, 12)")] == [52, 88]
ends = [f"{groups.loc['f (60, 100)', n]:.1f}" for n in ("low", "high")]
assert ends == ["70.0", "80.4"]
tested = real.finished["gender"].predictions
right = metrics.correct(tested, "gender")[(tested["age"] > 0).to_numpy()]
assert [len(right) / 2, f"{100 * right.mean():.1f}"] == [3_618, "89.7"]
assert f"{100 * babies['faces'] / len(recorded.faces):.0f}" == "10"
assert paper.TABLE_3.loc["gender", "gender"] == 84.8
groups[groups["by"].isin(["age", "gender and age"])].round(1)

# %% [markdown]
# Of the faces up to two years old the network gets 57.3 % right (52.3 to 62.2); calling all of them
# by their more frequent gender would get 54.7 %, which lies in that interval. These faces are 10 %
# of the sample. On the 3,618 others it is right on 89.7 %: on 70.5 % at 4 to 6, 72.0 % at 8 to 12
# and 87.2 % at 15 to 20, on 93.3 to 94.1 % from 25 to 53, and on 86.5 % from 60 on.
#
# The errors have a direction. Children of 4 to 12 are too often called "f": of the boys of 4 to 6
# and of 8 to 12, 53.8 % and 55.1 % are right, of the girls 79.4 % and 86.2 %. From 60 on it is "m":
# 75.6 % of the women are right (70.0 to 80.4) and 94.5 % of the men. The boys are few, 52 and 88.
# Whether the network goes by the faces, or by which gender is more frequent at an age, is not
# measured.
#
# So an accuracy on gender depends on how many children and old people a collection has. To hold
# this 86.6 % against the paper's 84.8 % would compare that as well.

# %% [markdown]
# ### Are they on par with the baseline?
#
# The published networks were trained once on each of the five folds, by the recipe by which the
# paper trains its own: Adam, early stopping, one crop. Claim 1 is supported if the reduced networks
# are shown to be less than 3 points worse, on both tasks. The 3 points were set with a smaller
# study in view, and before any of these trainings was read.

# %% tags=["real-faces", "nbval-check-output"]
recipes = tables.recipes(real)
assert set(recipes["recipe"]) == {"paper's recipe"} and set(recipes["folds"]) == {5}
assert list(recipes["network"]) == ["reduced", "Levi & Hassner"] * 2
assert [f"{n:.1f}" for n in recipes["accuracy"]] == ["86.6", "86.5", "66.7", "65.2"]
assert [f"{n:.1f}" for n in recipes["epochs"]] == ["49.1", "28.6", "80.3", "28.0"]
recipes.round(1)

# %% tags=["real-faces"]
evidence = claims.decide(real)
on_par = claims.measured({"1": evidence["1"]})
differences = on_par[["value", "low", "high"]].map("{:+.1f}".format).agg(" ".join, axis=1)
assert list(differences) == ["+0.1 -1.0 +1.1", "+1.5 +0.3 +2.7"]
assert [f"{margin:.1f}" for margin in on_par["smallest margin"]] == ["1.2", "2.8"]
assert all(found.endswith("4,000 faces, 1 training a fold") for found in on_par["found"])
assert [on_par["from"].to_list(), np.isinf(on_par["to"]).all()] == [[-3, -3], True]
assert [f"{gap:.1f}" for gap in on_par["paper"]] == ["-2.0", "-3.9"]
assert (on_par["paper"] < on_par["low"]).all()
verdict = {row: evidence[row].verdict for row in ("1", "1, own recipe")}
assert verdict == {"1": "supported", "1, own recipe": "not tested"}
assert not (real.published or real.held_out or real.linear_probes)
notebook.show_recorded(recorded, forest.claims(on_par))

# %% [markdown]
# **Claim 1 is supported under the paper's recipe.** All networks answered the same 4,000 faces, so
# the difference is taken face by face. As the published networks have one training of a fold, the
# first training of each reduced one counts. On gender the reduced network has 0.1 points more (-1.0
# to 1.1), on age 1.5 points more (0.3 to 2.7). The two are shown to be equal within 1.2 and 2.8
# points. Whether the reduced network is better on age was not the question, and there is no verdict
# on it.
#
# Three things limit this. With one training of the published networks, what a training adds by
# chance is known only from how the folds differ. The recipe is the paper's, and the networks'
# authors never used it: they train with stochastic gradient descent, weight decay and no early
# stopping, and score the mean over ten crops of a face. That was not done on these faces. **Against
# their own recipe claim 1 is: not tested.** And all of these networks choose their epoch on the
# scored faces, which may help one more than the other.
#
# The paper has another argument, overlapping intervals. It would call nearly any two networks equal
# if only the faces were few, which is what is wrong with it. By its own Table 3 its networks are
# 2.0 and 3.9 points below the baseline, which is quoted from Levi & Hassner. Both values lie
# outside the intervals found here. But that baseline had another recipe, and both were scored on
# Adience. By the rule above, 3.9 points less would not have passed.

# %% [markdown]
# ### Are they cheaper?

# %% tags=["real-faces", "nbval-check-output"]
measured = claims.measured({row: evidence[row] for row in ("7", "7, as published")})
assert [f"{value:.2f}" for value in measured["value"]] == ["0.08", "1.06"]
assert evidence["7"].verdict == "supported"
assert evidence["7, as published"].verdict == "contradicted"
measured[["row", "what", "value", "found", "verdict"]].round(2)

# %% [markdown]
# **Claim 7 is supported against the paper's own reading of the baseline, and contradicted against
# the network that was published.** These are exact counts, on any faces: 0.08 times the
# multiplications, and 1.06 times. What is reduced is the weights, and with them memory and the size
# of a file. That fewer weights take less time is not "safe to assume".

# %% tags=["real-faces", "nbval-check-output"]
costs = tables.cost(real)
work = costs["faces seen"] * costs["million multiply-adds, training"]
times, lengths = {}, {}
for task in ("gender", "age"):
    theirs = real.same_recipe[f"levi_hassner_{task}"]
    assert not theirs.cut_short and not real.finished[task].cut_short
    lengths[task] = real.finished[task].records["epochs"].min(), theirs.records["epochs"].max()
    times[task] = work[task] / work[f"levi_hassner_{task}"]
assert lengths == {"gender": (38, 31), "age": (70, 30)}
assert [f"{ratio:.1f}" for ratio in times.values()] == ["1.8", "3.0"]
columns = ["million multiply-adds, training", "epochs", "faces seen"]
costs.loc[["gender", "levi_hassner_gender", "age", "levi_hassner_age"], columns].round(1)

# %% [markdown]
# That counts one face. A training also has a length, and here the larger networks are done first.
# Under the same recipe the published networks stop after 28.6 epochs on gender and 28.0 on age, the
# reduced ones after 49.1 and 80.3. The shortest training of a reduced network, 38 epochs on gender
# and 70 on age, is longer than the longest of the published ones, with 31 and 30. Until it ends,
# the reduced network has done 1.8 times the multiplications on gender and 3.0 times on age.
# Notebook 05 has the seconds. It is one recipe and one learning rate, and a network of 115 million
# weights was not trained.

# %% [markdown]
# ## Run it yourself
#
# From here on everything is about the data and the parameters at the top: the drawn demo if you
# named none, and your own faces otherwise. Trainings that are finished are not done again. On the
# demo the numbers only show that the programs work.

# %%
Markdown(findings.about_to_train(experiment, "gender", "age"))

# %%
gender = train(experiment, "gender")
notebook.show_runs(experiment, gender, "figure_4_gender")

# %%
age = train(experiment, "age")
notebook.show_runs(experiment, age, "figure_5_age")

# %%
held = train_held_out(experiment, "gender", "age")
Markdown(findings.about_runs(experiment.dataset, experiment.faces, gender, age, *held.values()))

# %% [markdown]
# ### Levi & Hassner's networks, by both recipes

# %%
train_baseline(experiment)
own_recipes = notebook.keep(experiment, tables.recipes(find_runs(experiment)), "recipes")
chance, draw = study.chance(experiment), further_figures.intervals
named = ["network", "recipe", "scored on"]
notebook.show_if_any(experiment, own_recipes, draw, "recipes", named, chance)
Markdown(findings.about_recipes(own_recipes))

# %% [markdown]
# ### Each task read off the other's trunk

# %%
own_probes = notebook.keep(experiment, tables.linear_probes(probe(experiment)), "readouts")
notebook.show_if_any(experiment, own_probes, draw, "readouts", ["read off"], chance)
tested = experiment.extra_folds or experiment.folds
Markdown(findings.about_linear_probes(gender.on_folds(tested), age.on_folds(tested)))

# %% [markdown]
# ## Summary
#
# - The networks come out as the paper describes them, once the pooling windows are mended.
# - They have a sixteenth of the weights that the paper counts for its baseline. The network that
#   was published is smaller than that, and needs fewer multiplications than the reduced one.
# - On 4,000 real faces and by the paper's recipe, the reduced networks are not worse than the
#   published ones by 3 points: claim 1 is supported. By the authors' own recipe it is not tested.
# - Trained until early stopping, the reduced networks take 1.8 and 3.0 times the multiplications.
# - Three of the eight ages, a quarter of the faces, are told in 14.7 %. The accuracy hides it.
# - The gender of babies is hardly told. Boys of 4 to 12 are often called "f", and a quarter of the
#   women from 60 on "m".
#
# **Limits.** The faces are not Adience's, and they are a sample. The reduced networks were trained
# twice on each fold and the published ones once, in bfloat16 and in batches of 31. UTKFace names
# nobody, so a person may be trained and tested on, and scores may be too high. The scored faces
# also choose the epoch; what that adds was not measured here. Not trained on these faces: the
# published networks by their authors' recipe, networks whose epoch is chosen on held-out faces, and
# linear models that read one task off the other's convolutions. The second half of this notebook
# can do all three.
#
# **An exercise.** Give the three ages a voice: copy the cell that builds the networks, rename them,
# and fit the age network on fold 0 as in "One epoch", with Keras' `class_weight`, each age weighed
# by the inverse of its number of faces. You need real faces: on the demo the numbers mean nothing.
# What does the mean of the recalls gain, and what does the accuracy lose? Which of the two would
# you have reported, had you only seen one?
