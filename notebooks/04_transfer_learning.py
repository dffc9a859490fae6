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
# # 4. Transfer learning
#
# > "These curves looks different, as all curves converges after only a couple epochs." (section
# > 4.3)
#
# > "Table 3 shows that the transfer learning model performs 2.5% better than the baseline in gender
# > classification." (section 5.3)
#
# > "In spite of the transfer learning model being more advanced, the training time is much lesser
# > than that of the baseline model." (section 5.3)
#
# **The question:** does a network that has learned ImageNet tell more faces right than one that
# starts from nothing, and is it there within a few epochs? The first half of this notebook answers
# it on real faces, from the committed records of finished trainings. The second half trains on
# whatever data you name.

# %% [markdown]
# ## Parameters
#
# `papermill --help-notebook` lists them. In each, `None` stands for the protocol's own value.

# %%
before = set(dir())  # plain values that are set below are parameters

# %% tags=["parameters"]
data: str = None  # a dataset's folder, or "demo"; None: the variable ADIENCE_DATA, else the demo
weights: str = None  # of Xception: "imagenet", a .weights.h5 file or "random"; None: "imagenet"
epochs: int = None  # at most, 1 to 10000; None: the protocol's (the paper: 100)
batch_size: int = None  # faces, 1 to 4096; None: the protocol's (the paper: 128)
faces: int = None  # size of a sample of whole subjects; None: the protocol's (the paper: all)
folds: list = None  # folds to test on, such as [0, 1]; None: all five
monitor: str = None  # "test_fold" (as we read the paper), "held_out", "none"; None: the first
# The others are changed more rarely.
protocol: str = None  # "paper", "demo", "smoke", "levi_hassner"; None: as the data, demo or paper
extra_folds: list = None  # folds of what goes beyond Table 3; None: the first
held_out_folds: list = None  # folds monitored on held-out subjects; None: extra_folds
gamma: float = None  # weight of the gender loss in multi-task networks, 0 to 1; None: 0.5
learning_rate: float = None  # of Adam, up to 1; None: the protocol's (the paper: 0.0001)
precision: str = None  # "float32" or "mixed_bfloat16"; None: "float32"
seed: int = None  # of weights, dropout, crops, order and samples; None: 2022
allow_missing: bool = False  # go on without images that are missing or unreadable, and count them
drop_repeats: bool = False  # keep one of each set of equal rows of Adience
scheduler: str = None  # of Dask, for folds side by side: "local:2", an address; None: no Dask
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["real-faces", "nbval-ignore-output"]
# The library first: before Keras is loaded, it chooses the backend and how TensorFlow computes.
from adience_lib import models
from adience_lib.evidence import claims, comparison, metrics, paper, quality
from adience_lib.experiments.experiment import for_transfer, start, train, train_held_out
from adience_lib.experiments.linear_probes import probe_related
from adience_lib.experiments.results import finished_runs
from adience_lib.models import networks
from adience_lib.models.layers import RandomCrop
from adience_lib.models.summary import (
    architecture_table,
    parameter_counts,
    training_multiply_adds,
)
from adience_lib.report import figures, findings, further_figures, notebook, study, tables
from adience_lib.runs.read import Runs

# isort: split
import inspect

import keras
import numpy as np
import pandas as pd
from IPython.display import Markdown

# %%
experiment = start(globals(), before)

# %% [markdown]
# ## The network, in Keras
#
# Xception takes the place of the three convolutions; the two heads are those of notebook 03. All of
# Xception but its last ten layers is frozen. "Layers" are counted as Keras lists them: these ten
# are six with weights, and a pooling, two activations and the sum of a shortcut. No other way of
# counting gives the numbers of the paper's Table 2.

# %% tags=["nbval-check-output"]
notebook.keep(experiment, tables.trainable_layers(), "trainable_layers")

# %% [markdown]
# The weights of ImageNet are checked by a hash over their 234 arrays. Where they cannot be had, the
# demo goes on with random ones and says so.

# %%
weights, transferring = for_transfer(experiment)
Markdown(findings.about_weights(weights))

# %%
LAYERS = keras.layers
image = keras.Input((256, 256, 3), dtype="uint8", name="image")
face = LAYERS.Rescaling(1 / 127.5, offset=-1)(RandomCrop(227)(image))  # Xception knows -1 to 1

xception = keras.applications.Xception(include_top=False, weights=None, input_shape=(227, 227, 3))
if weights is not None:
    xception.load_weights(weights.file)
for layer in xception.layers[:-10]:
    layer.trainable = False
features = LAYERS.Flatten()(xception(face))

outputs = {}
for task, classes, activation in (("gender", 1, "sigmoid"), ("age", 8, "softmax")):
    head = features
    for _ in range(2):
        head = LAYERS.Dropout(0.5)(LAYERS.Dense(128, activation="relu")(head))
    outputs[task] = LAYERS.Dense(classes, activation=activation, name=task)(head)
by_hand = keras.Model(image, outputs)
counts = parameter_counts(by_hand)

# %% tags=["nbval-check-output"]
assert counts == {"trainable": 31_220_873, "frozen": 15_365_160, "total": 46_586_033}
assert f"{xception.count_params():,}" == "20,861,480"
assert xception.output.shape[1:] == (7, 7, 2048)
assert len(xception.get_weights()) == 234
heads = counts["total"] - xception.count_params()
assert f"{100 * heads / counts['trainable']:.0f}" == "82"
assert (
    f"{counts['trainable'] / paper.TABLE_2.set_index('model').loc['multitask', 'total']:.1f}"
    == "2.2"
)
pd.Series({**counts, "in the two heads": heads}, name="weights").to_frame()

# %% [markdown]
# These are the counts of Table 2, 31,220,873 trainable weights among 46,586,033. They settle a
# contradiction in the paper: its text says that images are resized to 299 pixels, and the heads
# have Table 2's numbers only if Xception's last map is 7x7, which it is for a crop of 227.
#
# Note what is frozen and what is not. The frozen part is a third. Of what is trained, 82 % are the
# two heads, which start from nothing. This network trains 2.2 times as many weights as the
# multi-task one. So it is cheap, if it is, for another reason than the few weights. A frozen batch
# normalisation keeps its statistics of ImageNet, too.
#
# The library's `models.build("transfer")` builds the same network: the shapes of its weights are
# the same, and with equal weights its answers are.

# %%
library = models.build("transfer", weights.file if weights else None)
assert [w.shape for w in by_hand.weights] == [w.shape for w in library.weights]
by_hand.set_weights(library.get_weights())
few = experiment.images[:2]
for task, answers in library.predict(few, verbose=0).items():
    np.testing.assert_allclose(by_hand.predict(few, verbose=0)[task], answers, rtol=1e-3, atol=1e-4)

# %% [markdown]
# ## One epoch
#
# Sixteen faces, two batches: Xception is slow without an accelerator. The last lines see to it that
# the first convolution is what it was, and the last one is not.

# %%
gamma_of_protocol = experiment.protocol.gamma
by_hand.compile(
    keras.optimizers.Adam(experiment.protocol.learning_rate),
    loss={"gender": "binary_crossentropy", "age": "sparse_categorical_crossentropy"},
    loss_weights={"gender": gamma_of_protocol, "age": 1 - gamma_of_protocol},
    metrics={"gender": ["accuracy"], "age": ["accuracy"]},
)
some = experiment.faces[experiment.faces["fold"] != 0].head(16)
labels = {task: some[task].to_numpy() for task in ("gender", "age")}
ends = [xception.get_layer(name) for name in ("block1_conv1", "block14_sepconv2")]
kernels = [layer.get_weights()[0] for layer in ends]
epoch = by_hand.fit(experiment.images[some.index], labels, batch_size=8, epochs=1, verbose=0)
still = [
    np.array_equal(layer.get_weights()[0], was) for layer, was in zip(ends, kernels, strict=True)
]
assert still == [True, False]
{name: round(values[0], 2) for name, values in epoch.history.items()}

# %% [markdown]
# `train()` does this for all folds, resumably. The library's own network is this function:

# %% tags=["nbval-check-output"]
print(inspect.getsource(networks.transfer))

# %% [markdown]
# ## What it does on real faces
#
# The figures and numbers of this section come from committed records of trainings on 4,000 faces of
# UTKFace, another collection of labelled faces, from ImageNet's weights: no picture, no network and
# no training is needed to draw them. They are the same whatever data you run the second half on.

# %% tags=["real-faces", "nbval-check-output"]
recorded, real = study.read()
Markdown(study.in_words(recorded, real))

# %% tags=["real-faces"]
transferred = real.finished["transfer"]
notebook.show_recorded(recorded, figures.learning_curves(transferred))

# %% tags=["real-faces", "nbval-check-output"]
best = {name: real.finished[name].records["best_epoch"] for name in ("transfer", "multitask")}
evidence = claims.decide(real)
soon = claims.measured({row: evidence[row] for row in ("5", "5, against multi-task")})
assert list(best["transfer"]) == [9, 6, 5, 8, 8]
assert [f"{one.mean():.1f}" for one in best.values()] == ["7.2", "53.1"]
assert [f"{soon.loc[0, n]:.1f}" for n in ("low", "high", "paper")] == ["5.2", "9.2", "4.2"]
ratio = [f"{soon.loc[1, n]:.2f}" for n in ("value", "low", "high", "paper")]
assert ratio == ["0.13", "0.09", "0.20", "0.26"]
assert list(soon["verdict"]) == ["inconclusive", "supported"]
assert f"{soon.loc[0, 'p fails']:.3f} {0.05 / 3:.3f}" == "0.020 0.017"
assert f"{transferred.records['epochs'].mean():.1f}" == "17.2"
assert paper.TABLE_3.loc["transfer", "epochs"] == 14.2
soon[["row", "what", "value", "low", "high", "paper", "verdict"]].round(2)

# %% tags=["real-faces"]
history = transferred.history.sort_values("epoch").groupby("fold")
first, last = history.head(1), history.tail(1)
lowest = history["val_loss"].min()
losses = [f"{loss.mean():.2f}" for loss in (first["val_loss"], lowest, last["val_loss"])]
assert losses == ["1.24", "0.69", "0.98"]
right = [f"{task}_accuracy" for task in ("gender", "val_gender", "age", "val_age")]
assert [f"{100 * last[n].mean():.1f}" for n in right] == ["97.7", "84.4", "79.8", "64.9"]
assert [np.ceil(n) for n in (3_200 / 31, paper.IMAGES * 0.8 / 128)] == [104, 102]

# %% [markdown]
# **Figure 7 on real faces.** The transfer network, one training on each of five folds, tested on
# 800 faces after every epoch. Thin lines are folds, the thick line is their mean, the band one
# standard deviation, and the dashed line the training faces, seen through crops and dropout.
#
# It is quick. The best epochs are 9, 6, 5, 8 and 8, on average 7.2, where the multi-task network
# takes 53.1. The ratio, a geometric mean over folds, is 0.13 (0.09 to 0.20). The paper's own is
# 0.26, if a patience of ten is taken off its epochs. **That the best epoch comes within half of
# multi-task's was shown: supported.** This is weaker than claim 5, and was asked for after 1,000
# other faces had met it. **Claim 5 itself, less than five epochs, is inconclusive**, and near to
# being refuted: the mean lies at 7.2, from 5.2 to 9.2, and the p-value against "five or less" is
# 0.020, where a verdict asks for 0.05 / 3, which is 0.017. Epochs can be compared here: one has 104
# updates of the weights, and one of the paper 102. The paper's network ran for 14.2 epochs and this
# one for 17.2, of which ten are those of waiting.
#
# When it stops, the network is right on 97.7 % of the training faces' genders and on 84.4 % of the
# tested ones; on age it is 79.8 % against 64.9 %. The loss of the test faces falls from 1.24 after
# the first epoch to 0.69 at its lowest, and is back at 0.98 ten epochs later. So the training does
# not end because everything is learned, but because the network begins to fit the faces that it has
# seen.

# %% [markdown]
# ### Is it better?

# %% tags=["real-faces", "nbval-check-output"]
gains = claims.measured({"4": evidence["4"]})
found = [
    [f"{row[n]:.1f}" for n in ("value", "low", "high", "paper")] for _, row in gains.iterrows()
]
assert found == [["0.4", "-0.7", "1.6", "2.5"], ["-1.5", "-2.7", "-0.2", "-1.3"]]
assert [evidence[row].verdict for row in ("4", "4, own recipe")] == ["inconclusive", "not tested"]
by_network = tables.table_3(real)
gains[["what", "value", "low", "high", "paper", "found"]].round(1)

# %% tags=["real-faces", "nbval-check-output"]
against = {"multi-task": real.finished["multitask"], "frozen, linear": real.main("xception")}
rows = {
    (name, task): comparison.accuracies(transferred, other, task, 0, np.inf).estimate
    for name, other in against.items()
    for task in ("gender", "age")
}
points = pd.DataFrame({row: (of.value, *of.interval()) for row, of in rows.items()}).T
said = points.map("{:.1f}".format).agg(" ".join, axis=1)
assert list(said) == ["-0.4 -1.5 0.8", "-3.0 -5.1 -0.9", "5.0 3.1 6.9", "3.1 -0.2 6.4"]
theirs = paper.TABLE_3.loc["transfer"] - paper.TABLE_3.loc["multitask"]
assert [f"{theirs[task]:.1f}" for task in ("gender", "age")] == ["5.3", "2.1"]
points.set_axis(["transfer minus this, points", "low", "high"], axis=1).round(1)

# %% [markdown]
# **Claim 4 asks for more right answers on gender than Levi & Hassner's network gives**, by the same
# recipe, and for no more than three points less on age. **Its verdict is inconclusive.** The half
# about age was shown: the transfer network is 1.5 points worse, from 2.7 to 0.2. The half about
# gender was not: it is 0.4 points better, from 0.7 worse to 1.6 better. The paper's own 2.5 points
# lie outside of that interval. It was trained once a fold, and how far a second training would move
# it was not measured. The second criterion, with the baseline's own recipe, is **not tested**.
#
# No criterion asks for the other comparisons. Against the multi-task network it is 0.4 points worse
# on gender (-1.5 to 0.8) and 3.0 worse on age (-5.1 to -0.9), where the paper has it 5.3 and 2.1
# points better. Against a linear model on all of Xception, frozen (further down), it is 5.0 points
# better on gender (3.1 to 6.9). On age it is 3.1 points better by the estimate, which may be
# nothing (-0.2 to 6.4). So a small network that knows nothing of ImageNet does as well on these
# faces or better.

# %% [markdown]
# ### How much hangs on the epoch


# %% tags=["real-faces"]
def around_the_best(runs: Runs) -> pd.DataFrame:
    """How a network's accuracy on the test fold moves with the epoch, in points."""
    epochs = runs.history.merge(runs.records[["fold", "repetition", "best_epoch"]])
    right = pd.DataFrame({task: 100 * epochs[f"val_{task}_accuracy"] for task in ("gender", "age")})
    after = epochs["epoch"] - epochs["best_epoch"]
    training = [epochs["fold"], epochs["repetition"]]
    at_best, beside, at_last = (
        right[chosen].groupby(training).mean()
        for chosen in (after == 0, abs(after) == 1, after == 10)
    )
    rows = {
        "from one epoch to the next, after the best": right.groupby(training)
        .diff()[after > 1]
        .abs(),
        "the best minus the two beside it": at_best - beside,
        "ten epochs later minus the best": at_last - at_best,
    }
    return pd.DataFrame({row: points.mean() for row, points in rows.items()}).T


# %% tags=["real-faces", "nbval-check-output"]
moved = pd.concat({name: around_the_best(real.finished[name]) for name in best})
said = moved.map("{:.1f}".format).agg(" ".join, axis=1)
assert list(said["transfer"]) == ["3.6 2.6", "4.0 0.5", "-2.5 1.3"]
assert list(said["multitask"]) == ["0.6 0.8", "0.1 0.5", "-0.2 -0.6"]
by_fold = transferred.history.groupby("fold")
lowest = {t: by_fold[f"val_{t}_cross_entropy"].idxmin() for t in ("gender", "age")}
soonest = [transferred.history.loc[rows, "epoch"].mean() for rows in lowest.values()]
assert [f"{epoch:.1f}" for epoch in soonest] == ["5.4", "10.0"]
moved.round(1)

# %% [markdown]
# The epoch that is scored is the one with the lowest loss on the faces that are scored. For the
# multi-task network that hardly matters: after the best epoch its accuracy moves by 0.6 points on
# gender and 0.8 on age from one epoch to the next, and at the best epoch it is 0.1 and 0.5 points
# above the two epochs beside it. The transfer network moves by 3.6 and 2.6 points. At the best
# epoch its gender is 4.0 points above the two beside it, and ten epochs later 2.5 points lower. Age
# is 0.5 points above the two beside it, and has gained 1.3 points ten epochs later. The summed loss
# is lowest between its two tasks: that of gender at epoch 5.4 on average, that of age at 10.0.
#
# A network that jumps so may be lucky with the scored faces in the epoch that is chosen, or may
# have good weights in it. Two of the five were tried on other faces, which neither trained them nor
# chose their epochs (`docs/method.md`, "Which epoch is scored"). One was about as good there on
# gender as on its own fold, the other nearly two points worse, and a difference of up to two and a
# half is within chance. So a part of the 4.0 points may be luck, but hardly all of it. Two folds
# cannot say more.

# %% [markdown]
# ### How sure it is

# %% tags=["real-faces"]
calibration = tables.calibration(real)
notebook.show_recorded(recorded, further_figures.calibration(calibration))

# %% tags=["real-faces", "nbval-check-output"]
errors = calibration.groupby(level=["task", "model"], sort=False)["error"].first().unstack("task")
assert [f"{n:.1f}" for n in errors.loc["transfer", ["gender", "age"]]] == ["4.1", "5.1"]
assert [f"{n:.1f}" for n in errors.loc["multitask", ["gender", "age"]]] == ["3.1", "4.3"]
surest = calibration.loc[("transfer", "gender")].tail(2)
assert list(surest["faces"]) == [325, 2907]
assert [f"{n:.1f}" for n in surest["confidence"]] == ["85.3", "98.6"]
assert [f"{n:.1f}" for n in surest["accuracy"]] == ["73.5", "95.6"]
more = (calibration["confidence"] - calibration["accuracy"]) * calibration["faces"]
more = (
    more.groupby(level=["model", "task"]).sum()
    / calibration["faces"].groupby(level=["model", "task"]).sum()
).unstack()
said = more.loc[["transfer", "multitask"], ["gender", "age"]].map("{:.1f}".format)
assert said.to_numpy().tolist() == [["4.1", "3.2"], ["2.9", "-1.1"]]
errors.round(1)

# %% [markdown]
# A point below the diagonal is a network that is surer than it has reason to be; its size is the
# number of answers. The distance from the diagonal, averaged over all answers, is 4.1 points on
# gender and 5.1 on age, where the multi-task network has 3.1 and 4.3. On average the transfer
# network claims 4.1 points more than it gets right on gender and 3.2 on age; multi-task claims 2.9
# more and 1.1 less. No interval was computed. On 2,907 of 4,000 faces the transfer network is 98.6
# % sure of the gender, and right on 95.6 % of them. On the 325 faces of the bin before it says 85.3
# % and is right on 73.5 %.

# %% [markdown]
# ### Which ages gain, and which are lost

# %% tags=["real-faces"]
classes = tables.only(tables.classes(real), "task", "age")
notebook.show_recorded(recorded, further_figures.recall(classes))

# %% tags=["real-faces", "nbval-check-output"]
recall = classes["recall"].droplevel("task").unstack("model")
by_age = classes.loc["transfer"].index.get_level_values("label")
recall = recall.loc[by_age, ["multitask", "transfer", "Xception, linear"]]
said = recall.map("{:.1f}".format).agg(" ".join, axis=1)
assert said["(25, 32)"] == "92.4 95.3 82.0" and said["(0, 2)"] == "96.1 97.4 91.1"
assert said["(4, 6)"] == "33.9 13.4 33.6" and said["(8, 12)"] == "45.1 16.1 40.4"
assert said["(38, 43)"] == "12.3 1.2 15.0" and said["(48, 53)"] == "13.4 7.5 14.9"
means = by_network.loc[list(recall), "age recall"].map("{:.1f}".format)
assert list(means) == ["48.4", "40.4", "46.3"]
recall.round(1)

# %% [markdown]
# By the estimate the network is right on age more often than the linear model, and it knows fewer
# ages. Of the faces of 25 to 32 it gets 95.3 % right, where multi-task has 92.4 %, and of babies
# 97.4 %. Of those from 38 to 43 it gets 1.2 % right, where multi-task has 12.3 % and the linear
# model 15.0 %. Of children of 4 to 6 and of 8 to 12 it has 13.4 % and 16.1 %, where multi-task has
# 33.9 % and 45.1 %. The mean of the eight recalls is 40.4 % for transfer, 48.4 % for multi-task and
# 46.3 % for the linear model, which has the lowest accuracy of the three. Frozen features can tell
# more of these ages apart than the network does that is trained on top of them. Why it does not was
# not tested. The paper's single number for each network could not show that.

# %% [markdown]
# ### What it costs

# %% tags=["real-faces", "nbval-check-output"]
layers = {name: architecture_table(models.build(name)) for name in ("multitask", "transfer")}
forward = pd.Series({name: table["multiply_adds"].sum() / 1e6 for name, table in layers.items()})
step = pd.Series({name: training_multiply_adds(table) / 1e6 for name, table in layers.items()})
trained = layers["transfer"].query("trainable > 0")["multiply_adds"].sum() / 1e6
costs = tables.cost(real)
updates, faces_seen = (costs.loc[list(layers), name] for name in ("updates", "faces seen"))
found = [f"{n:,.0f}" for n in (*forward, trained, *updates)]
assert found == ["756", "4,609", "295", "6,562", "1,789"]
work = pd.DataFrame({"forward": forward, "step": step, "training": step * faces_seen})
work = work.assign(unfrozen=3 * forward * faces_seen)
ratio = work.loc["transfer"] / work.loc["multitask"]
assert [f"{n:.1f}" for n in ratio] == ["6.1", "2.3", "0.6", "1.7"]
work.round(0).astype("int64")

# %% tags=["real-faces", "nbval-check-output"]
hours = costs[f"hours{tables.MEASURED}"].rename("hours")
of_baseline = hours["levi_hassner_gender"] + hours["levi_hassner_age"]
assert [f"{n:.1f}" for n in (hours["transfer"], hours["multitask"], of_baseline)] == [
    "7.9",
    "15.3",
    "7.1",
]
assert f"{costs.loc['transfer', 'parameters'] / costs.loc['multitask', 'parameters']:.1f}" == "3.3"
assert tables.MEASURED == " at float32, batch 64"
hours.to_frame().round(1)

# %% [markdown]
# To look at one face costs Xception 4,609 million multiplications, and the multi-task network 756
# million: 6.1 times. A training also goes backward, which takes about twice the forward pass, but
# only through layers that are trained. Those are 295 of the 4,609 million. Counted so, an update
# costs 2.3 times as much and not 6.1 times. There are 1,789 of them to 6,562. All in all the
# transfer network needs 0.6 times the arithmetic. Freezing saves the way back through most of
# Xception: without it, at the same number of updates, the network would need 1.7 times the
# arithmetic of multi-task.
#
# The paper compares with its baseline, and says that the training time is "much lesser". Counted
# updates times measured seconds make 7.9 hours a fold for the transfer network, 15.3 for the
# multi-task one and 7.1 for Levi & Hassner's two networks together, by the same recipe. So it takes
# about as long as those two, and half as long as multi-task. These are the seconds of updates of 64
# faces in float32 on another, slower machine, where an update here has 31. Nobody waited for these
# hours: only their ratios are used, and those are rough. Against the network of 115 million weights
# that the paper calls its baseline, which was not trained, it may be otherwise. No criterion tests
# this.
#
# Such a network is not light either. It answers at 6.1 times the cost for as long as it is used,
# and it is stored with 3.3 times the weights.

# %% [markdown]
# ### The related work's idea: no training at all
#
# The paper builds on Gopalakrishnan et al. (section 1.1), who put a simple model on the features of
# a network of ImageNet without training it. Here that is all of Xception, frozen, its last map
# averaged over its places, and a logistic regression on these 2,048 numbers, fitted on four folds
# and tested on the fifth.

# %% tags=["real-faces", "nbval-check-output"]
rows, by_age, minutes = {}, {}, {}
for count, (larger, linear_model) in study.frozen_xception().items():
    always = metrics.majority_rates(larger.faces, list(larger.folds))
    for task in always:
        right = quality.accuracy(linear_model, task)
        rows[f"{count:,}", task] = [right.value, right.low, right.high, always[task]]
    by_age[count] = quality.classes(linear_model, "age")["recall"]
    minutes[count] = linear_model.records["seconds"].sum() / 60
columns = ["right (%)", "low", "high", "always the most frequent label (%)"]
frozen = pd.DataFrame.from_dict(rows, orient="index", columns=columns).round(1)
frozen.index = pd.MultiIndex.from_tuples(frozen.index, names=["faces", "task"])
assert frozen.loc[("4,000", "gender")].tolist() == [81.9, 79.8, 83.9, 50.6]
assert frozen.loc[("4,000", "age")].tolist() == [60.6, 58.3, 62.9, 40.7]
assert frozen.loc[("16,262", "gender")].tolist() == [84.1, 83.5, 84.7, 51.4]
assert frozen.loc[("16,262", "age")].tolist() == [62.9, 62.2, 63.7, 40.5]
middle = pd.DataFrame(by_age).loc[["(38, 43)", "(48, 53)"]].round(1)
assert [middle[4_000].tolist(), middle[16_262].tolist()] == [[15.0, 14.9], [15.5, 17.7]]
assert {count: f"{n:.0f}" for count, n in minutes.items()} == {4_000: "21", 16_262: "36"}
frozen

# %% tags=["real-faces"]
trained_here = by_network.loc[["gender", "age", "multitask"]]
assert [f"{n:.1f}" for n in trained_here["gender accuracy"].dropna()] == ["86.6", "87.4"]
assert [f"{n:.1f}" for n in trained_here["age accuracy"].dropna()] == ["66.7", "66.3"]
gains = (
    trained_here["gender accuracy"].dropna() - frozen.loc[("4,000", "gender"), "right (%)"],
    trained_here["age accuracy"].dropna() - frozen.loc[("4,000", "age"), "right (%)"],
)
assert {round(points) for gain in gains for points in gain} == {5, 6}

# %% [markdown]
# It takes no epoch and no gradient. On 4,000 faces of UTKFace all five folds took 21 minutes on two
# cores, with other work beside, and on all 16,262 of them 36 minutes, mostly alone. Nearly all of
# that went into looking at each face once. It is right on 81.9 % of the genders (79.8 to 83.9) and
# on 60.6 % of the ages (58.3 to 62.9), and with all faces on 84.1 % (83.5 to 84.7) and 62.9 % (62.2
# to 63.7).
#
# With four times as many faces it is about two points better on each task. Whether that is more
# than chance was not tested. It has the same weakness as the trained networks, and keeps it. Of the
# faces of 38 to 43 years it gets 15.0 % right, with all faces 15.5 %; of those of 48 to 53 years
# 14.9 % and 17.7 %. On the same 4,000 faces always giving the most frequent label is right on 50.6
# % and 40.7 %, and the networks of notebooks 02 and 03 on 86.6 % and 87.4 % of the genders and on
# 66.7 % and 66.3 % of the ages. So a network that is trained from nothing gains five or six points
# over a model that is made in minutes.

# %% [markdown]
# ## Run it yourself
#
# From here on everything is about the data and the parameters at the top: the drawn demo if you
# named none, and your own faces otherwise. Trainings that are finished are not done again. On the
# demo the numbers only show that the programs work.

# %%
Markdown(findings.about_to_train(transferring, "transfer"))

# %%
transfer = train(transferring, "transfer", weights)
notebook.show_runs(transferring, transfer, "figure_7_transfer")

# %%
held = train_held_out(transferring, "transfer", weights=weights)
Markdown(findings.about_runs(experiment.dataset, experiment.faces, transfer, *held.values()))

# %%
reduced = finished_runs(experiment, "multitask")
Markdown(findings.about_difference(transfer, reduced))

# %% [markdown]
# ### What the network looks at
#
# Grad-CAM, as in notebook 03. Xception's last map has only 7x7 places, so the heat is coarse. On
# drawings it only shows that the tool works; on real faces look at whether it lies on the face.

# %%
notebook.show_attention(transferring, "transfer", "gender")

# %%
notebook.show_attention(transferring, "transfer", "age")

# %% [markdown]
# ### The related work, on these faces
#
# Frozen Xception as above, and VGG-16, which the related work used, where its weights can be had.

# %%
linear = probe_related(experiment, weights)
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *linear.values()))

# %% [markdown]
# ## Summary
#
# - The network is as the paper counts it, with a crop of 227 pixels: 31,220,873 weights are trained
#   and 15,365,160 are frozen.
# - It is quick: its best epoch comes in 0.13 of the multi-task network's epochs. It is not shown to
#   come before the fifth, and is near to being shown to come later.
# - No gain on gender over Levi & Hassner's network was shown, and the interval leaves out the
#   paper's 2.5 points. On age it was shown to be no more than three points worse.
# - It is 0.4 points below multi-task on gender (-1.5 to 0.8) and 3.0 on age (-5.1 to -0.9). It
#   knows fewer ages than a linear model on frozen features.
# - Its score hangs on the epoch that is chosen, by points on gender.
# - It needs 0.6 times the arithmetic of the multi-task network to train, and 6.1 times to answer.
#
# **Limits.** These are 4,000 faces of UTKFace, not Adience's, and each fold was trained once.
# UTKFace names nobody, so a person may be trained and tested on. Trainings were in bfloat16, in
# batches of 31: this network's with TensorFlow on a processor, those it is compared with in JAX on
# a card. The epoch was chosen on the fold that is scored. What no criterion asks for was looked at
# after the scores were known.
#
# **An exercise.** Copy the cell that builds the network, rename the model, freeze all of Xception
# (`xception.layers`), and fit it on fold 0 as in "One epoch". You need real faces: on the demo the
# numbers mean nothing. How many weights are left to train? Watch the loss and both accuracies on
# the test faces: which task reaches its best first, and what would you let early stopping look at,
# if you could name one number?
