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
# # 5. Results
#
# > "To summarize, we have developed a multi-task classifier for age and gender classification that
# > matches the performance of earlier research models. [...] Our results showed that the multi-task
# > classification did not perform better or worse than the separate models, making it much more
# > efficient to implement the multi-task structure with shared convolutional layers." (section 6)
#
# **The question:** which of the paper's nine claims hold on real faces, which do not, and which
# cannot be told from what was trained here? The first part goes through them one by one: what the
# paper says, what would show it, the figure that belongs to it, and the verdict. The second part is
# about what no claim asks and a reader must know before using a number of this report. The third
# part reads the finished runs of whatever data you name. Nothing is trained in this notebook.

# %% [markdown]
# ## Parameters
#
# `papermill --help-notebook` lists them. In each, `None` stands for the protocol's own value. Give
# those of the runs to read.

# %%
before = set(dir())  # plain values that are set below are parameters

# %% tags=["parameters"]
data: str = None  # a dataset's folder, or "demo"; None: the variable ADIENCE_DATA, else the demo
gamma: float = None  # weight of the gender loss in multi-task networks, 0 to 1; None: 0.5
epochs: int = None  # at most, 1 to 10000; None: the protocol's (the paper: 100)
batch_size: int = None  # faces, 1 to 4096; None: the protocol's (the paper: 128)
faces: int = None  # size of a sample of whole subjects; None: the protocol's (the paper: all)
folds: list = None  # folds to test on, such as [0, 1]; None: all five
monitor: str = None  # "test_fold" (as we read the paper), "held_out", "none"; None: the first
# The others are changed more rarely.
protocol: str = None  # "paper", "demo", "smoke", "levi_hassner"; None: as the data, demo or paper
levi_hassner_epochs: int = None  # of their own recipe; None: epochs where given, else their 192
learning_rate: float = None  # of Adam, up to 1; None: the protocol's (the paper: 0.0001)
precision: str = None  # "float32" or "mixed_bfloat16"; None: "float32"
seed: int = None  # of weights, dropout, crops, order and samples; None: 2022
weights: str = None  # of Xception: "imagenet", a .weights.h5 file or "random"; None: "imagenet"
allow_missing: bool = False  # go on without images that are missing or unreadable, and count them
drop_repeats: bool = False  # keep one of each set of equal rows of Adience
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["real-faces", "nbval-ignore-output"]
import numpy as np
import pandas as pd
from IPython.display import Markdown

from adience_lib.evidence import claims, comparison, cost, metrics, paper, plan, quality, repetition
from adience_lib.experiments.experiment import start
from adience_lib.experiments.results import commands, find_runs, missing_runs
from adience_lib.report import (
    discrepancies,
    figures,
    findings,
    forest,
    further_figures,
    notebook,
    study,
    tables,
)
from adience_lib.util.markdown import markdown

# %% tags=["nbval-ignore-output"]
experiment = start(globals(), before)

# %% [markdown]
# ## The answer
#
# This part comes from the committed records of trainings on UTKFace, another collection of labelled
# faces. It needs no picture and no network, and it is the same whatever data you run the last part
# on.

# %% tags=["real-faces", "nbval-check-output"]
recorded, real = study.read()
people = recorded.faces
Markdown(study.in_words(recorded, real))

# %% tags=["real-faces", "nbval-check-output"]
evidence = claims.decide(real)
every = claims.measured(evidence)
verdicts = claims.verdicts(evidence)
verdict = verdicts["verdict"]
count = verdict.value_counts()
assert len(verdicts) == 16 and verdicts.index.str[0].nunique() == 9
assert (count["supported"], count["contradicted"], count["inconclusive"]) == (6, 1, 5)
assert (count["not tested"], count["cannot be tested here"]) == (2, 2)
points = every[every["unit"] == "points"].set_index("row")
assert points.loc[["1", "2"], "smallest margin"].max() < 3
notebook.show_recorded(recorded, forest.claims(every))

# %% [markdown]
# **In three sentences.** On 4,000 faces of UTKFace, one network for gender and age was shown to be
# as good as two, within three points on both tasks, and it costs less than the two. The paper's
# reduced networks were shown to be no more than three points below Levi & Hassner's under the same
# recipe, but they do not need less arithmetic than the network that was published. That multi-task
# learning stops in fewer epochs was not shown, and neither was a gain on gender by transfer from
# ImageNet.
#
# Of 16 criteria for nine claims, 6 are supported, 1 is contradicted, 5 are inconclusive, 2 were not
# tested and 2 cannot be tested on these faces.
#
# **The nine claims at a glance.** A dot is what was found on 4,000 real faces, and its line is the
# 95 % interval. The diamond is the paper's own value, on Adience. The band is where a criterion
# holds. Verdicts ask for more than 95 %, so an interval just outside a band may be inconclusive.
# Claims that could not be measured are in the table below and not in the figure.
#
# The paper's own evidence for claims 1 and 2 is that intervals overlap. That is the wrong rule: the
# less data one has, the wider the intervals, and the more they overlap. Here an accuracy counts as
# equal only if it is shown to be less than 3 points away.

# %% tags=["real-faces", "nbval-check-output"]
Markdown(markdown(tables.readable_claims(verdicts, every)[["what is asked", "verdict"]]))

# %% [markdown]
# "Shown if" below is what makes a verdict "supported", and "refuted if" what makes it
# "contradicted". The criteria stand in `adience_lib/evidence/paper.py`, and `docs/method.md` prints
# them. The nine claims come in three groups of three, and a test has the level 0.05 / 3, so that
# among the first criteria of a group a wrong verdict comes up in one case of twenty at most. The
# further criteria of a claim are outside this guarantee.
#
# The criteria were written on 26 November 2026, before any training of this study was read. They
# were written knowing an earlier study of 1,000 faces, which could not decide claims 1 and 2
# (`docs/method.md` keeps its verdicts).

# %% [markdown]
# ## Claim 1: the reduced networks are on par with the baseline
#
# > "The two models seem to be on par with the baseline model as the span of their respective
# > confidence intervals is overlapping." (section 5.1)
#
# **Shown if** each reduced network is shown to be less than 3 points below Levi & Hassner's
# network, trained by the same recipe on the same faces. **Refuted if** one of the two is shown to
# be more than 3 points below. A second criterion asks the same with the baseline trained by its
# authors' own recipe and scored on ten crops.

# %% tags=["real-faces", "nbval-check-output"]
recipes = tables.recipes(real)
scores = recipes.set_index(["task", "network", "recipe", "scored on"])["accuracy"]
assert [f"{value:.1f}" for value in scores["gender"]] == ["86.6", "86.5"]
assert [f"{value:.1f}" for value in scores["age"]] == ["66.7", "65.2"]
assert [f"{value:.1f}" for value in recipes["epochs"]] == ["49.1", "28.6", "80.3", "28.0"]
assert (recipes["folds"] == 5).all() and (people.groupby("fold").size() == 800).all()
by_row = every.set_index("row")
on_gender, on_age = (part for _, part in by_row.loc["1"].iterrows())
assert [f"{on_gender[n]:.1f}" for n in ("value", "low", "high")] == ["0.1", "-1.0", "1.1"]
assert [f"{on_age[n]:.1f}" for n in ("value", "low", "high")] == ["1.5", "0.3", "2.7"]
assert list(verdict[["1", "1, own recipe"]]) == ["supported", "not tested"]
notebook.show_recorded(
    recorded,
    further_figures.intervals(recipes, list(scores.index.names[1:]), study.chance(recorded)),
)

# %% tags=["real-faces"]
notebook.show_recorded(recorded, forest.claims(every[every["row"] == "1"]))

# %% [markdown]
# **Five folds of 800 faces.** The reduced networks were trained twice on each fold, Levi &
# Hassner's once. Lines are 95 % intervals that know of faces and of trainings.
#
# **The verdict is: supported.** On gender the reduced network has 86.6 % and Levi & Hassner's 86.5
# %. On age it is 66.7 % and 65.2 %. The comparison takes the first training of each fold, as the
# baseline has one: the reduced networks are 0.1 points better on gender, from -1.0 to 1.1, and 1.5
# points better on age, from 0.3 to 2.7. Both intervals lie far above three points below. On age the
# reduced network may even be the better one. No criterion asks for that, and the paper found the
# reverse.
#
# It comes at a price that the paper does not mention. Levi & Hassner's networks stop after 28.6 and
# 28.0 epochs, the reduced ones after 49.1 and 80.3 (claims 3 and 7 return to this). By their own
# recipe, and scored on ten crops, the published networks have not been trained on these faces, so
# the second criterion is **not tested**.

# %% tags=["real-faces", "nbval-check-output"]
planned = plan.planned().set_index("row")
of_1 = planned.loc["1"]
assert [f"{gap:.1f}" for gap in of_1["the paper has"]] == ["-2.0", "-3.9"]
assert [f"{power:.2f}" for power in of_1["1 training"]] == ["0.21", "0.01"]
tables.readable_plan(planned.reset_index()).loc["1"]

# %% [markdown]
# **What the plan said.** The paper's own differences are -2.0 points on gender and -3.9 on age.
# Were they the truth, one training of each fold on 4,000 faces would have shown "less than 3 points
# below" in 21 and in 1 of 100 such studies. It was shown, because the differences here are not
# those of the paper: the baseline that the paper quotes was trained by another recipe, on more
# faces, and scored on ten crops. By a margin of three points, the paper's own table does not
# support its claim on age; only its overlapping intervals do.

# %% [markdown]
# ## Claim 2: one network for both tasks equals two networks
#
# > "However, the confidence intervals are overlapping for both tasks showing that there is no
# > significant difference in performance." (section 5.2)
#
# **Shown if** the multi-task network is shown to be less than 3 points from the network for that
# task alone, in either direction, on both tasks. **Refuted if** it is shown to be further away on
# either.

# %% tags=["real-faces", "nbval-check-output"]
gender, age = (part for _, part in by_row.loc["2"].iterrows())
assert [f"{gender[n]:.1f}" for n in ("value", "low", "high")] == ["0.7", "-0.3", "1.8"]
assert [f"{age[n]:.1f}" for n in ("value", "low", "high")] == ["-0.3", "-1.0", "0.4"]
assert [f"{part['smallest margin']:.1f}" for part in (gender, age)] == ["1.9", "1.1"]
assert [f"{part['planned power']:.2f}" for part in (gender, age)] == ["0.99", "0.39"]
assert verdict["2"] == "supported" and comparison.NOISE["age"] == 2
notebook.show_recorded(recorded, forest.claims(every[every["row"] == "2"]))

# %% [markdown]
# **The verdict is: supported.** The multi-task network is 0.7 points better on gender, from -0.3 to
# 1.8, and 0.3 points worse on age, from -1.0 to 0.4. Both intervals lie within three points of
# zero. Equality would have been shown by any margin down to 1.9 points on gender and 1.1 on age.
# Notebook 03 shows the network and discusses the numbers.
#
# This is the paper's main claim, and it holds on these faces. The plan had given it 99 chances in
# 100 on gender and 39 on age, were the paper's own differences true. It had reckoned with trainings
# that move a fold by 2 points on age beyond what single faces explain. Here they move it by less,
# as the section on repeated trainings below shows.

# %% [markdown]
# ## Claim 3: multi-task learning cuts the training time
#
# > "This means that the multi-task model is able to drastically reduce the training time, while
# > maintaining equal performance." (section 5.2)
#
# **Shown if** the multi-task network takes at most half of the time of the two others together
# (3a), and fewer epochs than each of them (3b). **Refuted if** it is shown to take more than half,
# or more epochs than one of them. Time is counted, and not clocked: updates of the weights, times
# the seconds of one update, measured for all networks in turns on one machine.

# %% tags=["real-faces", "nbval-check-output"]
costs = tables.cost(real)
updates, work = costs["updates"], costs["million multiply-adds, training"]
three = ["gender", "age", "multitask"]
assert [f"{updates[name]:,.0f}" for name in three] == ["5,106", "8,351", "6,562"]
assert f"{updates['multitask'] / (updates['gender'] + updates['age']):.2f}" == "0.49"
assert f"{100 * (work['multitask'] / work['gender'] - 1):.1f}" == "0.9"
spent = costs["faces seen"] * work
assert f"{spent['multitask'] / (spent['gender'] + spent['age']):.2f}" == "0.49"
published = spent["levi_hassner_gender"] + spent["levi_hassner_age"]
assert f"{spent['multitask'] / published:.2f}" == "1.19"
assert f"{(spent['gender'] + spent['age']) / published:.1f}" == "2.4"
hours = costs[f"hours{tables.MEASURED}"]
counted = hours["multitask"] / (hours["levi_hassner_gender"] + hours["levi_hassner_age"])
assert f"{counted:.1f}" == "2.2"
update = cost.steps()["seconds"].xs("float32", level="precision")
assert f"{100 * (update['gender'] / update['age'] - 1):.0f}" == "8"
notebook.show_recorded(recorded, further_figures.accuracy_against_work(costs))

# %% tags=["real-faces", "nbval-check-output"]
by_gender, by_age = (part for _, part in by_row.loc["3b"].iterrows())
assert [f"{by_gender[n]:.2f}" for n in ("value", "low", "high")] == ["1.30", "1.04", "1.62"]
assert [f"{by_age[n]:.2f}" for n in ("value", "low", "high")] == ["0.79", "0.68", "0.91"]
by_time = by_row.loc["3a"]
assert [f"{by_time[n]:.2f}" for n in ("value", "low", "high")] == ["0.51", "0.42", "0.60"]
assert list(verdict[["3a", "3a, any less"]]) == ["inconclusive", "supported"]
assert verdict["3b"] == "inconclusive" and f"{by_gender['p fails']:.3f}" == "0.015"
assert f"{0.05 / 6:.3f}" == "0.008"
epochs = paper.TABLE_3["epochs"]
assert list(epochs[["gender", "age", "multitask"]]) == [50.8, 34.2, 26.0]
seconds = epochs * [np.nan, 85, 85, 95, np.nan]
assert f"{seconds['multitask'] / (seconds['gender'] + seconds['age']):.2f}" == "0.34"
notebook.show_recorded(recorded, forest.claims(every[every["row"].str[0] == "3"]))

# %% [markdown]
# **What a training costs, and what it reaches.** A dot is where a network's trainings ended on
# average, and the line before it begins at the best epoch. The work is forward and backward.
#
# **The verdict on 3a is: inconclusive for "at most half", and supported for "less than both
# together".** The multi-task network was updated 6,562 times on average, the two others 5,106 and
# 8,351 times, so it needs 0.49 of their updates. An update of it needs 0.9 % more arithmetic than
# one of the gender network, as nearly all of the work is in the shared trunk. With the seconds of
# an update, measured in turns, that makes 0.51 of the time of both, from 0.42 to 0.60. That
# interval holds how folds differ, and not how the measured seconds do. They are of updates of 64
# faces in float32 on another, slower machine, so only their ratios are used. Those are rough:
# gender and age, two networks of equal arithmetic, were measured 8 % apart. It is a large saving,
# right at the line that this report draws for "drastically". The paper's own numbers give 0.34,
# because its multi-task network stopped after 26.0 epochs, earlier than either of the others.
#
# **The verdict on 3b is: inconclusive.** Here it did not stop earlier than both. It ran for 1.30
# times the epochs of the gender network, from 1.04 to 1.62, and for 0.79 times those of the age
# network, from 0.68 to 0.91. The first is close to a refutation, with a p-value of 0.015. But a
# test here has the level 0.05 / 3, and as either of two ratios could have refuted the claim, each
# has half of it, which is 0.008. The multi-task network stops between its two tasks, later than the
# sooner one. Most of the saving is there all the same, as there is one trunk to run in place of
# two.
#
# **Against the published networks nothing is saved.** Levi & Hassner's two networks, by the same
# recipe, were trained with less work than the one multi-task network, which took 1.19 times theirs,
# and 2.2 times in counted time. The two reduced networks took 2.4 times theirs. The reason is the
# number of epochs: an epoch costs about the same. No criterion asks this.

# %% [markdown]
# ## Claim 4: transfer beats the baseline on gender and matches it on age
#
# > "Table 3 shows that the transfer learning model performs 2.5% better than the baseline in gender
# > classification. The performance in age classification is a little lower than the baseline
# > although the confidence intervals overlap." (section 5.3)
#
# **Shown if** the transfer network is shown to be better than Levi & Hassner's on gender, and less
# than 3 points below on age, by the same recipe. **Refuted if** it is shown to be worse on gender
# or more than 3 points below on age. As in claim 1, a second criterion asks the same against their
# own recipe.

# %% tags=["real-faces", "nbval-check-output"]
on_gender, on_age = (part for _, part in by_row.loc["4"].iterrows())
assert [f"{on_gender[n]:.1f}" for n in ("value", "low", "high")] == ["0.4", "-0.7", "1.6"]
assert [f"{on_age[n]:.1f}" for n in ("value", "low", "high")] == ["-1.5", "-2.7", "-0.2"]
assert list(verdict[["4", "4, own recipe"]]) == ["inconclusive", "not tested"]
assert f"{on_age['p holds, corrected t-test']:.3f}" == "0.089"
notebook.show_recorded(recorded, forest.claims(every[every["row"] == "4"]))

# %% tags=["real-faces", "nbval-check-output"]
of_4 = planned.loc["4"]
assert [f"{power:.2f}" for power in of_4["1 training"]] == ["0.80", "0.12"]
assert [f"{power:.2f}" for power in of_4["2 trainings"]] == ["1.00", "0.27"]
assert [f"{gap:.1f}" for gap in of_4["the paper has"]] == ["2.5", "-1.3"]
tables.readable_plan(planned.reset_index()).loc["4"]

# %% [markdown]
# **The verdict is: inconclusive.** Of its two halves one was shown. On age the transfer network is
# 1.5 points worse than Levi & Hassner's, from 2.7 to 0.2 worse, which is less than three. On gender
# it is 0.4 points better, from 0.7 worse to 1.6 better, and that it is better was not shown. The
# paper's own 2.5 points lie outside of the interval. The paper's difference is to a baseline that
# was trained by another recipe and scored on ten crops; that criterion is **not tested**. By the
# corrected t-test, which decides nothing here, the half about age would not be shown (p = 0.089).
#
# Were the paper's differences the truth, five folds with one training each would show 2.5 points on
# gender in 80 of 100 studies, and -1.3 points on age in 12. How far another training would move the
# transfer network was not measured: it was trained once a fold, as was the baseline.
#
# The transfer network's score on gender hangs on the epoch that is chosen, and it is chosen on the
# faces that are scored (notebook [04](04_transfer_learning.ipynb)).

# %% [markdown]
# ## Claim 5: transfer learning converges within a few epochs
#
# > "These curves looks different, as all curves converges after only a couple epochs. If we look at
# > the loss function we see that the model starts after about 4 epochs." (section 4.3)
#
# **Shown if** the best epoch of the transfer network is shown to come before number 5 on average.
# **Refuted if** it is shown to come later. A second criterion asks whether it comes in at most half
# of the multi-task network's epochs.

# %% tags=["real-faces", "nbval-check-output"]
of_5, by_multitask = by_row.loc["5"], by_row.loc["5, against multi-task"]
assert [f"{of_5[n]:.1f}" for n in ("value", "low", "high", "paper")] == ["7.2", "5.2", "9.2", "4.2"]
assert [f"{by_multitask[n]:.2f}" for n in ("value", "low", "high", "paper")] == [
    "0.13",
    "0.09",
    "0.20",
    "0.26",
]
assert list(verdict[["5", "5, against multi-task"]]) == ["inconclusive", "supported"]
assert f"{of_5['p fails']:.3f} {0.05 / 3:.3f}" == "0.020 0.017"
assert list(real.finished["transfer"].records["best_epoch"]) == [9, 6, 5, 8, 8]
chances = planned.loc[["5", "5, against multi-task"], "1 training"]
assert [f"{power:.2f}" for power in chances] == ["0.03", "0.31"]
notebook.show_recorded(recorded, forest.claims(every[every["row"].str[0] == "5"]))

# %% [markdown]
# **The verdict is: inconclusive, and near to contradicted.** The best epochs are 9, 6, 5, 8 and 8,
# on average 7.2, from 5.2 to 9.2. The 95 % interval leaves out five, but a verdict asks for 0.05 /
# 3: the p-value is 0.020, and the level 0.017. The paper's own average is 4.2, if a patience of ten
# is taken off.
#
# **The second criterion is supported.** The best epoch comes in 0.13 of the multi-task network's
# epochs, from 0.09 to 0.20. In the paper it is 0.26, taken in the same way. This criterion was
# added after 1,000 other faces had met it. In epochs the transfer network is best later than in the
# paper; set against multi-task it is sooner, because multi-task takes so much longer here.
#
# The plan gave 3 chances in 100 to showing the paper's 4.2 epochs, were they true, and 31 to the
# ratio.

# %% [markdown]
# ## Claim 6: there may be no features of an age and a gender together
#
# > "However, since the multi-task model doesn't improve the performance it might indicate that
# > there are no age-gender dependent features e.g a feature that helps classify men in (38,43)
# > range." (section 5.2)
#
# **Nothing would show it.** No experiment shows that a feature does not exist. What can be tested
# is the premise, that the multi-task network is no better than the two others. It is **shown if**
# the multi-task network is shown to be better by less than 3 points on both tasks, and **refuted
# if** by more on either. Beside it stands a figure that asks a related question: what do features
# that were trained for one task know about the other?

# %% tags=["real-faces", "nbval-check-output"]
assert f"{gender['high']:.1f} {age['high']:.1f}" == "1.8 0.4"
assert list(verdict[["6", "6, premise"]]) == ["cannot be tested here", "supported"]
assert not real.linear_probes
notebook.show_recorded(recorded, forest.claims(every[every["row"] == "6, premise"]))

# %% [markdown]
# **The verdict is: cannot be tested; its premise is supported.** The intervals of claim 2 end at
# 1.8 points on gender and at 0.4 on age. So the multi-task network is not better by three points on
# either task. The paper starts from no improvement at all, which is more than was shown: a gain of
# up to 1.8 points on gender is not excluded. What it concludes, that there may be no features of an
# age and a gender together, does not follow: such features may be there and be of no use, or both
# kinds of network may learn them. What a trunk that was trained for one task knows about the other
# has not been read off on these faces; the last part of notebook 02 does so on yours.

# %% [markdown]
# ## Claim 7: fewer parameters make training cheaper
#
# > "Since the training time is highly correlated with the amount of model parameters, it is safe to
# > assume that the reduced models train faster." (section 5.1)
#
# **Shown if** the reduced gender network needs fewer multiply-adds for a face than the baseline.
# **Refuted if** it needs more. The count is exact, so there is no interval. There are two verdicts,
# because there are two baselines: the network with 115 million weights that the paper describes,
# and the one that Levi & Hassner published.

# %% tags=["real-faces", "nbval-check-output"]
names = ("gender", "full_width_gender", "levi_hassner_gender")
million = [claims.multiply_adds(name) / 1e6 for name in names]
assert [f"{value:,.0f}" for value in million] == ["749", "9,918", "709"]
sizes = costs["parameters"].to_dict() | {"full_width_gender": paper.BASELINE_PARAMETERS}
assert [f"{sizes[name] / 1e6:.1f}" for name in names] == ["7.2", "115.0", "11.4"]
assert f"{by_row.loc['7', 'value']:.2f}" == "0.08"
assert f"{by_row.loc['7, as published', 'value']:.2f}" == "1.06"
assert list(verdict[["7", "7, as published"]]) == ["supported", "contradicted"]
update = cost.steps()["seconds"].xs("float32", level="precision")
assert f"{update['levi_hassner_gender'] / update['gender']:.2f}" == "0.49"
notebook.show_recorded(recorded, forest.claims(every[every["row"].str[0] == "7"]))

# %% [markdown]
# **The verdict is: supported against the baseline of the paper, contradicted against the published
# one.** The reduced network needs 749 million multiply-adds for a face. The paper's baseline needs
# 9,918 million, so the reduced one does it in 0.08 of the work. The published network needs 709
# million, and the reduced one takes 1.06 times that.
#
# How can a network with 11.4 million weights be cheaper than one with 7.2 million? Weights and work
# are different things. Nearly all weights of these networks are in the first fully connected layer,
# where each is used once a face. Nearly all work is in the convolutions, where a weight is used at
# every position. Levi & Hassner's first convolution moves by four pixels, and the paper's by one,
# so it visits sixteen times as many places. A network with stride 1 and full width, which is what
# 115.0 million weights come to, was never trained by Levi & Hassner. The sentence in the quote,
# that time follows the number of parameters, is the step that fails.
#
# Time does not even follow the multiply-adds. Measured in turns on a processor, an update of the
# published network takes 0.49 of the seconds of the reduced one. The maps behind a first
# convolution of stride 1 are large, and pooling and normalising them is work that no count of
# multiply-adds sees.

# %% [markdown]
# ## Claim 8: the model is best at ages 25 to 32
#
# > "However, there is significantly more data of people in the age group of 25 to 32. Due to the
# > greater amount of data, we expect our model to be most effective on people in this age range."
# > (section 2.1)
#
# **Shown if** the multi-task network gets a larger share of the faces of that age right than of
# every other age, on faces of which that age is the most frequent. **Refuted if** another age is
# shown to have a larger share.

# %% tags=["real-faces", "nbval-check-output"]
classes = tables.classes(real)
of_age = classes.sort_index().loc[("multitask", "age")]
recall, many = of_age["recall"], of_age["faces"]
order = ["(0, 2)", "(25, 32)", "(60, 100)", "(8, 12)", "(4, 6)", "(48, 53)", "(38, 43)", "(15, 20)"]
assert list(recall.sort_values(ascending=False).index) == order
assert " ".join(recall[order].map("{:.1f}".format)) == "96.1 92.4 83.3 45.1 33.9 13.4 12.3 10.5"
assert list(many[order]) == [382, 1629, 624, 193, 149, 322, 401, 300]
against = by_row.loc["8"].set_index("what")
babies = against.loc["recall at (25, 32) minus at (0, 2)"]
assert [f"{babies[n]:.1f}" for n in ("value", "low", "high")] == ["-3.7", "-6.8", "-0.6"]
assert f"{babies['p fails']:.3f}" == "0.015" and f"{0.05 / 21:.4f}" == "0.0024"
rest = against.drop("recall at (25, 32) minus at (0, 2)")
assert rest["low"].min() > 0 and len(rest) == 6
assert verdict["8"] == "inconclusive" and many.idxmax() == "(25, 32)"
notebook.show_recorded(recorded, further_figures.recall(classes))

# %% [markdown]
# **Which ages are right.** 4,000 faces, all folds together, with Wilson's 95 % intervals.
#
# **The verdict is: inconclusive.** Here (25, 32) is the most frequent age, as in Adience, so the
# claim can be tested. Its recall is 92.4 %. Six of the seven others are lower, the nearest of them
# (60, 100) with 83.3 %. But babies, (0, 2), have 96.1 %. So the claim cannot be shown. Fold by fold
# the difference is -3.7 points, from -6.8 to -0.6, with a p-value of 0.015. As any of seven ages
# could have refuted the claim, each would have to reach 0.05 / 21, which is 0.0024.
#
# The paper's reason is the number of faces. It holds in part. The three ages that are told best are
# the most frequent one and the two ends of the scale, which are easier, whatever their number:
# there are 382 babies only. Between them it fails: (38, 43) has 401 faces and 12.3 %, (48, 53) has
# 322 and 13.4 %, (15, 20) has 300 and 10.5 %, while (8, 12) with 193 faces has 45.1 % and (4, 6)
# with 149 has 33.9 %. A rare age beside the most frequent one is taken for it. A network can leave
# out whole decades of life and still be right on two thirds of the faces.

# %% [markdown]
# ## Claim 9: age varies more over the folds, and the first fold is the best
#
# > "We observe that the first fold yields a higher accuracy than the rest. We also note that the
# > standard deviation of age accuracies across folds is higher than the for gender accuracies."
# > (section 4.1)
#
# **Shown if**, over the five folds of Adience with two trainings each, the accuracy on age has the
# larger variance, and the first fold is above each other one in both. **Refuted if** gender has the
# larger variance, or some fold is above the first.

# %% tags=["real-faces", "nbval-check-output"]
alone = {task: quality.fold_intervals(real.finished[task]) for task in ("gender", "age")}
ends = {task: {task: "accuracy", f"{task} low": "low", f"{task} high": "high"} for task in alone}
by_fold = pd.concat(t.rename(columns=ends[task]).assign(task=task) for task, t in alone.items())
of_task = by_fold.groupby("task")["accuracy"].agg(["mean", "std"]).loc[["gender", "age"]]
chance = np.sqrt(of_task["mean"] * (100 - of_task["mean"]) / 800)
assert [f"{spread:.1f}" for spread in (*of_task["std"], *chance)] == ["1.1", "1.3", "1.2", "1.7"]
assert [alone[task][task].idxmax() for task in ("gender", "age")] == [1, 1]
assert verdict["9"] == "cannot be tested here"
notebook.show_recorded(
    recorded, further_figures.intervals(by_fold.reset_index(), ["fold"], study.chance(recorded))
)

# %% [markdown]
# **Five folds of 800 faces, the mean of two trainings each.**
#
# **The verdict is: cannot be tested here.** The folds of UTKFace were dealt by this report, and
# there is no first one in any sense of the paper's. What the figure can show is how far folds
# differ where nothing but chance makes them differ. The standard deviation over folds is 1.1 points
# on gender and 1.3 on age. Drawing 800 faces at random would by itself give 1.2 and 1.7 points.
# Both are what chance gives, and age varies more only because an accuracy near one half varies more
# than one near one. The best fold is number 1 for both.
#
# Adience is another matter. Its folds are made of albums, some with hundreds of pictures of few
# people, and they do differ in difficulty. But the same caution applies there: two spreads, each
# from five numbers, have to differ by a lot before the difference means something, and the fold
# that happens to be the best of five is always some fold.

# %% [markdown]
# ## What no claim asks
#
# ### Table 3, and the ages that are seldom given

# %% tags=["real-faces", "nbval-check-output"]
table = tables.table_3(real)
trained = table[table["folds"] > 0]
Markdown(markdown(tables.readable_table_3(trained)))

# %% tags=["real-faces", "nbval-check-output"]
of_ages, of_all = trained["age recall"], trained["age accuracy"]
networks = ("age", "multitask", "transfer", "Xception, linear")
assert [f"{of_ages[name]:.1f}" for name in networks] == ["49.9", "48.4", "40.4", "46.3"]
assert [f"{of_all[name]:.1f}" for name in networks] == ["66.7", "66.3", "63.7", "60.6"]
assert f"{trained.loc['Xception, linear', 'gender accuracy']:.1f}" == "81.9"
on_gender = [f"{trained.loc[n, 'gender accuracy']:.1f}" for n in ("gender", *networks[1:3])]
assert on_gender == ["86.6", "87.4", "86.9"]
assert [f"{tables.majority(table, task):.1f}" for task in ("gender", "age")] == ["50.6", "40.7"]
assert f"{trained.loc['multitask', 'one-off']:.1f}" == "89.1"
notebook.show_recorded(recorded, figures.table_3(table))

# %% [markdown]
# **Table 3 on real faces.** Percent right, the mean over folds, with a 95 % interval that knows of
# faces and of trainings. The paper's ± is a standard deviation in its text and a standard error in
# its caption.
#
# The paper's columns are another experiment. That most numbers are higher here than there (not
# transfer's on gender) says that the faces differ, and nothing about the networks. A face of
# UTKFace was cropped closely and may have its owner's other pictures among the training faces.
#
# The column that the paper lacks is the mean recall of the ages, in which each age counts alike. It
# is 49.9 % for the age network where its accuracy is 66.7 %, and 48.4 % against 66.3 % for
# multi-task. Accuracy rewards a network for being good at what is frequent. Always answering the
# most frequent label is right on 50.6 % of the genders and 40.7 % of the ages, and that is what
# every number in the table has to be compared with.
#
# The linear model on frozen Xception trains nothing but a logistic regression. It is right on 81.9
# % of the genders and 60.6 % of the ages. The networks that are trained from nothing beat it, with
# 86.6 % or 87.4 % and with 66.7 % or 66.3 %. On the mean recall of the ages, 46.3 %, it comes close
# to them. The transfer network has 86.9 % and 63.7 %, and by that mean 40.4 %, the lowest of all:
# notebook 04 shows which ages it leaves out.
#
# The figure's row of the baseline is for Levi & Hassner's own recipe, which was not trained. By the
# paper's recipe it stands under claim 1.

# %% [markdown]
# ### What choosing the epoch on the scored fold adds
#
# The paper does not say which faces its early stopping watches. If they are those of the test fold,
# as this report reads it, then the epoch is chosen on the faces that are scored, and accuracies may
# be too good. Trainings that choose on held-out subjects can say by how much. They have not been
# made on these faces. On 1,000 faces of UTKFace, 15 trainings on each task said 0.0 points on
# gender and 0.1 on age, give or take a point (`docs/method.md`). A comparison of two networks that
# both choose so suffers less than an accuracy does, unless one of them changes far more than the
# other from epoch to epoch, as the transfer network does.

# %% [markdown]
# ### What is taken for what

# %% tags=["real-faces", "nbval-check-output"]
both = real.finished["multitask"]
taken = metrics.confusion(both.predictions, "age")
assert taken.to_numpy().sum() == 8_000 and list(both.records["repetition"]).count(1) == 5
of_row = taken.sum(axis=1)
assert list(of_row[["(38, 43)", "(15, 20)", "(48, 53)"]]) == [802, 600, 644]
assert list(taken.loc["(38, 43)", ["(25, 32)", "(38, 43)", "(60, 100)"]]) == [542, 99, 110]
assert taken.loc["(15, 20)", "(25, 32)"] == 442
assert list(taken.loc["(48, 53)", ["(25, 32)", "(60, 100)"]]) == [240, 250]
three_answers = taken[["(0, 2)", "(25, 32)", "(60, 100)"]].to_numpy().sum()
assert f"{100 * three_answers / 8000:.0f}" == "86"
notebook.show_recorded(recorded, figures.confusion_matrices({"multitask": both}, "age"))

# %% [markdown]
# **Multi-task network, age.** 4,000 test faces by true and given label, answered by two trainings
# each, so 8,000 answers.
#
# In 86 of 100 cases the network gives one of three answers: baby, young adult, old. What lies
# between is dealt to its neighbours. Of 802 answers about people aged (38, 43), 542 are (25, 32),
# 110 are (60, 100) and 99 are right. Of 600 about (15, 20), 442 are (25, 32); of 644 about (48,
# 53), 240 are (25, 32) and 250 (60, 100). 89.1 % of the answers are right or one label away, which
# may be ten years and more. Softmax and cross-entropy know nothing of that order. A loss that does
# would be the first thing to try.

# %% [markdown]
# ### For whom it works

# %% tags=["real-faces", "nbval-check-output"]
groups = tables.only(tables.groups(real), "model", "multitask")
groups = groups[groups["by"] != "gender and age"]
on_gender, on_age = (groups.droplevel("model").xs(task) for task in ("gender", "age"))
notebook.show_recorded(recorded, further_figures.accuracy_by_group(groups))

# %% tags=["real-faces", "nbval-check-output"]
numbers = ["faces", "accuracy", "low", "high", "most frequent"]
words = on_gender[numbers].map("{:.1f}".format).agg(" ".join, axis=1)
assert words["(0, 2)"] == "382.0 59.2 54.2 64.0 54.7"
assert words["(25, 32)"] == "1629.0 93.9 92.6 94.9 53.9"
assert [f"{on_gender.loc[label, 'accuracy']:.1f}" for label in ("f", "m")] == ["85.1", "89.5"]
wrong = on_gender["faces"] * (100 - on_gender["accuracy"]) / 100
assert [f"{wrong[group]:.0f}" for group in ("(0, 2)", "all")] == ["156", "506"]
assert f"{100 * wrong['(0, 2)'] / wrong['all']:.0f}" == "31"
assert f"{100 * on_gender.loc['(0, 2)', 'faces'] / 4000:.0f}" == "10"
on_gender[on_gender["by"] == "age"][numbers].round(1)

# %% tags=["real-faces", "nbval-check-output"]
words = [one[numbers].map("{:.1f}".format).agg(" ".join, axis=1) for one in (on_gender, on_age)]
assert words[0]["race Black"].startswith("763.0 90.2 87.9 92.1 ")
assert words[0]["race White"].startswith("1723.0 88.0 86.4 89.4 ")
assert words[0]["race Asian"].startswith("630.0 81.5 78.3 84.3 ")
assert words[1]["race Asian"] == "630.0 77.7 74.3 80.8 43.7"
assert words[1]["race White"] == "1723.0 60.2 57.9 62.5 27.9"
faces = both.predictions.assign(right=metrics.correct(both.predictions, "gender"))
grown = 100 * faces[faces["age"] > 0].groupby("race")["right"].mean()
assert [f"{grown[race]:.1f}" for race in ("Asian", "White", "Black")] == ["86.4", "90.0", "90.5"]
babies = 100 * people.loc[people["race"] == "Asian", "age"].eq(0).mean()
assert f"{babies:.0f}" == "23"
gain = (on_age["accuracy"] - on_age["most frequent"]).loc[["race Asian", "race White"]]
left = 100 - on_age["most frequent"]
assert [f"{share:.0f}" for share in 100 * gain / left[gain.index]] == ["60", "45"]
on_age[on_age["by"] == "race"][numbers].round(1)

# %% [markdown]
# **The multi-task network by group**, with the number of faces and 95 % intervals. "Most frequent"
# is what the group's own most frequent label would get, always given.
#
# **Babies.** On gender the network is right on 59.2 % of the answers about 382 babies, from 54.2 to
# 64.0. Always saying the more frequent label is right on 54.7 %. It has learned next to nothing
# about the gender of babies, and they are 10 % of the faces and 31 % of its errors. At 25 to 32 it
# is right on 93.9 % where the most frequent label gets 53.9 %. Much of what Table 3 lacks on gender
# may be a question to which the picture has no answer.
#
# **Race, on gender.** 81.5 % of the faces labelled Asian against 88.0 % of those labelled White and
# 90.2 % of those labelled Black: the interval of the first lies below the others. It is a gap of
# the kind that Buolamwini and Gebru (2018) found in commercial systems, where it lay elsewhere. 23
# % of the faces labelled Asian are babies. Without babies it is 86.4 %, 90.0 % and 90.5 %, so they
# explain about half of it. The comparison was made after the scores were known, and the labels are
# guesses. It is a reason to look closer, within ages and with labels that their owners gave.
#
# **Race, on age.** It is right on 77.7 % of 630 faces labelled Asian and on 60.2 % of 1,723
# labelled White, of which fewer are of the ages that are easy. Of what the most frequent label of
# each group leaves to gain, it gains 60 % and 45 %. To know whether anything is left of the gap,
# compare within an age.
#
# **Gender.** Of those labelled m it is told more often than of those labelled f (89.5 % and 85.1
# %).

# %% [markdown]
# ### Is it as sure as it is right?

# %% tags=["real-faces", "nbval-check-output"]
curves = tables.calibration(real)
error = curves.groupby(level=["model", "task"])["error"].first()
assert [f"{error[name, 'gender']:.1f}" for name in ("gender", "multitask")] == ["0.7", "3.1"]
assert [f"{error[name, 'age']:.1f}" for name in ("age", "multitask")] == ["3.5", "4.3"]
assert f"{error['Xception, linear', 'age']:.1f}" == "8.5"
surest = curves.loc[("multitask", "gender")].iloc[-1]
assert [f"{surest[n]:.1f}" for n in ("confidence", "accuracy")] == ["98.7", "96.6"]
assert f"{100 * surest['faces'] / 8000:.0f}" == "71"
notebook.show_recorded(recorded, further_figures.calibration(curves))

# %% [markdown]
# A point below the diagonal is a network that is surer than it has reason to be; its size is the
# number of answers. The gender network is nearly as sure as it is right: the distance from the
# diagonal, averaged over all answers, is 0.7 points. The multi-task network, which trains on after
# its gender task is learned, has 3.1. In 71 of 100 cases it is 98.7 % sure of the gender and right
# in 96.6 %. On age the two have 3.5 and 4.3, and the linear model on frozen Xception 8.5. These are
# faces like those that were trained on; on others a network can be as sure and less right.

# %% [markdown]
# ### How much one training says
#
# Three networks were trained twice on each of five folds, on the same faces. The two trainings
# differ in their first weights, in dropout, crops and the order of the faces, and in nothing else.

# %% tags=["real-faces", "nbval-check-output"]
pairs = repetition.pairs(real.finished)
twice = pd.concat([repetition.by_fold(*pair) for pair in pairs])
assert len(pairs) == 3 and (twice.groupby("task").size() == 10).all()
changed = twice.groupby("task")["changed"].agg(["mean", "min", "max"])
assert [f"{changed.loc[task, 'mean']:.1f}" for task in ("gender", "age")] == ["7.5", "14.6"]
changed.round(1)

# %% tags=["real-faces", "nbval-check-output"]
moved = {task: repetition.deviation(part["gained"]) for task, part in twice.groupby("task")}
said = {task: [f"{n:.1f}" for n in (found, *ends)] for task, (found, ends) in moved.items()}
assert (said["gender"], said["age"]) == (["1.0", "0.7", "1.8"], ["0.7", "0.5", "1.3"])
by_faces = {task: np.sqrt(changed.loc[task, "mean"] * 100 / 800 / 2) for task in changed.index}
assert [f"{by_faces[task]:.1f}" for task in ("gender", "age")] == ["0.7", "1.0"]
assert comparison.NOISE == {"gender": 0.3, "age": 2.0}
assert [f"{moved[t][0] * np.sqrt(2 / 5):.1f}" for t in ("gender", "age")] == ["0.6", "0.5"]
theirs = paper.TABLE_3
assert f"{theirs.loc['gender', 'gender'] - theirs.loc['multitask', 'gender']:.1f}" == "0.8"
assert f"{theirs.loc['multitask', 'age'] - theirs.loc['age', 'age']:.1f}" == "0.5"
said

# %% [markdown]
# **Ten pairs of trainings for each task.** The table has the share of answers that are not the
# same, in percent. Below it stands by how many points one training moves a fold, as a standard
# deviation, with its 95 % interval.
#
# Between two trainings 7.5 % of the answers on gender change and 14.6 % of those on age. The
# accuracy on a fold of 800 faces moves by 1.0 points on gender (0.7 to 1.8) and by 0.7 on age (0.5
# to 1.3). If each of the answers that change were as likely to get better as to get worse, that
# alone would move it by at most 0.7 and 1.0. So on age nothing is seen beyond what single faces
# explain. On gender there is more than they explain, and more than the 0.3 points that the plan of
# this study had reckoned with; the interval is too wide to say how much. On age the plan had
# reckoned with 2.0, from 1,000 faces.
#
# With one training of each of five folds, the difference between two networks moves by 0.6 points
# on gender and 0.5 on age for no reason at all. The paper's own differences between its multi-task
# and its single networks are 0.8 and 0.5 points. On folds of this size they
# would not stand out. The paper's folds are larger, and what training again moves there is not
# known.

# %% [markdown]
# ### Where the paper disagrees with itself, its data or its tools

# %% tags=["real-faces", "nbval-check-output"]
disagreements = discrepancies.discrepancies(recorded.dataset, real.finished)
assert (paper.IMAGES, paper.BASELINE_PARAMETERS) == (16_228, 115_023_873)
assert list(discrepancies.PUBLISHED.values())[:2] == [16_258, 16_156]
assert "11,411,970 (1.6 times the reduced one)" in disagreements.loc["The baseline", "found"]
assert "16.0-fold" in disagreements.loc["The baseline", "the paper"]
assert f"{np.sqrt(5):.1f}" == "2.2" and "3x3" in disagreements.loc["Pooling", "found"]
assert "227x227" in disagreements.loc["Input of the transfer network", "found"]
Markdown(markdown(disagreements))

# %% [markdown]
# Three of these matter. **The baseline:** the network with 115,023,873 parameters that the paper
# reduces sixteenfold is not the one whose accuracies it quotes. Levi & Hassner's has 11,411,970,
# 1.6 times those of the reduced network. So claim 1 compares accuracies with one network and sizes
# with another. **The choice of the epoch:** if it was made on the test folds, then the paper has no
# test in the strict sense. **The spread:** a standard error and a standard deviation of five folds
# differ by a factor of 2.2, and with it which intervals overlap.
#
# The others are slips that a reader can mend. Pooling windows of 1x1 cannot give Table 1's own
# sizes, and 3x3 can. An input of 299 pixels cannot give Table 2's count, and 227 can. Adience's
# published fold files have 16,258 rows that pass the paper's filter, or 16,156 without exact
# repeats; the paper counts 16,228 images, which is neither.
# %% [markdown]
# ## Run it yourself
#
# From here on everything is about the runs of the data that you named, with the parameters at the
# top, or about the drawn demo if you named none. It opens with that data's own verdicts. On the
# demo every one of them is "not tested": drawn faces decide nothing, and its numbers only show that
# the programs work.

# %%
found = find_runs(experiment)
missing = missing_runs(experiment, found.finished)
Markdown(findings.about_missing(missing, commands(experiment), found.unreadable))

# %%
own_evidence = claims.decide(found)
own_verdicts = notebook.keep(experiment, claims.verdicts(own_evidence), "claims")
measured = notebook.keep(experiment, claims.measured(own_evidence), "claims_measured")
Markdown(findings.about_claims(own_verdicts, found, experiment.dataset))

# %%
notebook.show(experiment, forest.claims(measured), "claims")

# %%
Markdown(markdown(tables.readable_claims(own_verdicts, measured)))

# %%
table_3 = notebook.keep(experiment, tables.table_3(found), "table_3")
Markdown(markdown(tables.readable_table_3(table_3)))

# %%
notebook.show(experiment, figures.table_3(table_3), "table_3")

# %%
optimism = notebook.keep(experiment, tables.optimism(found), "optimism")
notebook.show_if_any(experiment, optimism, further_figures.optimism, "optimism")

# %%
notebook.show_confusions(experiment, found)

# %%
own_classes = notebook.keep(experiment, tables.classes(found), "classes")
of_every_age = tables.only(own_classes, "task", "age")
notebook.show_if_any(experiment, of_every_age, further_figures.recall, "recall")

# %%
own_groups = notebook.keep(experiment, tables.groups(found), "groups")
of_multitask = tables.only(own_groups, "model", "multitask")
notebook.show_if_any(experiment, of_multitask, further_figures.accuracy_by_group, "groups")

# %%
calibration = notebook.keep(experiment, tables.calibration(found), "calibration")
notebook.show_if_any(experiment, calibration, further_figures.calibration, "calibration")

# %%
own_costs = notebook.keep(experiment, tables.cost(found), "cost")
notebook.show_if_any(experiment, own_costs, further_figures.accuracy_against_work, "cost")

# %%
ledger = notebook.keep(
    experiment, discrepancies.discrepancies(experiment.dataset, found.finished), "ledger"
)
Markdown(markdown(ledger))

# %%
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *found.finished.values()))

# %% [markdown]
# ## Summary
#
# - Of 16 criteria 6 are supported and 1 is contradicted. One network for two tasks is as good as
#   two within three points, and costs less than the two. The reduced networks are on par with Levi
#   & Hassner's under the same recipe.
# - The reduced network is cheaper than the baseline that the paper describes and dearer than the
#   one that was published, which also stops in fewer epochs.
# - That multi-task learning needs fewer epochs was not shown: it stops between its two tasks.
# - That transfer from ImageNet tells gender better than the baseline was not shown. Its best
#   epoch is far sooner than multi-task's, at 7.2 on average. The paper's is at 4.2, if a patience
#   of ten is taken off.
# - Accuracy on age hides that three ages carry it. The mean recall of the ages is 17 to 18 points
#   lower for the age and the multi-task network, and 23 for transfer.
# - Training a reduced network again moves a fold by 1.0 points on gender and 0.7 on age.
#
# **Limits.** The faces are 4,000 of UTKFace, not Adience's. They name nobody, so a person may be
# trained and tested on. Not tried were the published networks by their own recipe, other values of
# gamma, a choice of the epoch on held-out subjects and a network on all 16,262 faces. The baseline
# and the transfer network were trained once a fold. The epoch was chosen on the fold that is
# scored. Training was in bfloat16 with batches of 31, where the paper has 128: transfer with
# TensorFlow on a processor, the others in JAX on a card. Labels of gender and race
# are what somebody saw in a picture.
#
# **An exercise.** Choose another margin, say 1 point, by changing `MARGIN` in
# `adience_lib/evidence/contrast.py`, and run this notebook again. Which verdicts change, and which
# of the sentences above are then wrong and make their cell fail? Then argue for a margin from what
# an error costs whoever would use such a network, before you look at the verdicts again.
