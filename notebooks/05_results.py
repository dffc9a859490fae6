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
# **What is asked:** which of the paper's claims hold, how do the networks compare, with its Table 3
# beside them, and where does it disagree with itself, its data or its tools (sections 4.4 and 5)?
#
# This notebook reads finished runs and never trains. Give it the parameters of the runs to read.

# %% [markdown]
# ## Parameters
#
# `papermill --help-notebook` lists them. In each, `None` stands for the protocol's own value.

# %%
before = set(dir())  # plain values that are set below are parameters

# %% tags=["parameters"]
data: str = None  # a dataset's folder, or "demo"; None: the variable ADIENCE_DATA, else the demo
allow_missing: bool = False  # go on without images that are missing or unreadable, and count them
drop_repeats: bool = False  # keep one of each set of equal rows of Adience
protocol: str = None  # "paper", "demo", "smoke", "levi_hassner"; None: as the data, demo or paper
folds: list = None  # folds to test on, such as [0, 1]; None: all five
faces: int = None  # size of a sample of whole subjects; None: the protocol's (the paper: all)
epochs: int = None  # at most, 1 to 10000; None: the protocol's (the paper: 100)
levi_hassner_epochs: int = None  # of their own recipe; None: epochs where given, else their 192
batch_size: int = None  # faces, 1 to 4096; None: the protocol's (the paper: 128)
learning_rate: float = None  # of Adam, up to 1; None: the protocol's (the paper: 0.0001)
gamma: float = None  # weight of the gender loss in multi-task networks, 0 to 1; None: 0.5
monitor: str = None  # "test_fold" (as we read the paper), "held_out", "none"; None: the first
precision: str = None  # "float32" or "mixed_bfloat16"; None: "float32"
seed: int = None  # of weights, dropout, crops, order and samples; None: 2022
weights: str = None  # of Xception: "imagenet", a .weights.h5 file or "random"; None: "imagenet"
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

from adience_lib.evidence import claims
from adience_lib.experiments.experiment import start
from adience_lib.experiments.results import commands, find_runs, missing_runs
from adience_lib.report import figures, findings, further_figures, lessons, notebook, tables
from adience_lib.report.discrepancies import discrepancies
from adience_lib.util.markdown import markdown

# %%
experiment = start(globals(), before)
found = find_runs(experiment)
missing = missing_runs(experiment, found.finished)
Markdown(findings.about_missing(missing, commands(experiment), found.unreadable))

# %% [markdown]
# ## What is known from real faces
#
# The records of one run on UTKFace come with this report, and this section reads them, whatever the
# other sections show. They hold no picture and no network. "Held out" marks networks whose epoch
# was chosen on faces taken out of the training folds; without it, the epoch was chosen on the fold
# that is scored, as we read the paper. The paper's columns are on Adience, whose folds keep each
# person on one side. UTKFace names nobody. A "trunk" is the convolutional layers of a network.

# %% tags=["first-page", "nbval-check-output"]
study, real = lessons.read()
Markdown(lessons.about_run(study, real))

# %% tags=["first-page", "nbval-check-output"]
Markdown(lessons.verdicts(real))

# %% tags=["first-page", "nbval-check-output"]
Markdown(markdown(tables.both_ways(real)))

# %% tags=["first-page", "nbval-check-output"]
Markdown(lessons.taught(study, real))

# %% [markdown]
# ## The paper's claims
#
# These are the verdicts on the dataset that was run now. "No significant difference" is not shown
# by intervals that overlap. Two networks count as equal where both are shown to be less than three
# points apart, by two one-sided tests; the error knows of faces and of trainings. A criterion that
# was shown neither to hold nor to fail is inconclusive. The criteria, their dates and the former
# ones stand in docs/method.md. In the figure a band is where a criterion holds. "Held out" marks
# networks whose epoch was chosen on subjects taken out of the training folds.

# %% tags=["first-page"]
evidence = claims.decide(found)
verdicts = notebook.keep(experiment, claims.verdicts(evidence), "claims")
measured = notebook.keep(experiment, claims.measured(evidence), "claims_measured")
Markdown(findings.about_claims(verdicts, found, experiment.dataset))

# %% tags=["first-page"]
notebook.show(experiment, figures.claims(measured), "claims")

# %% tags=["first-page"]
Markdown(markdown(tables.readable_claims(verdicts, measured)))

# %% [markdown]
# ## Table 3
#
# Accuracies are means over the folds in percent, and in brackets 95 % intervals that know of faces
# and of trainings; an asterisk marks one training on one fold, whose interval knows of faces alone.
# The paper's are on Adience; its ± is a standard deviation in its text and a standard error in its
# caption. The baseline's own numbers are Levi & Hassner's networks, trained here by their own
# recipe on as many folds as the row says. The mean recall counts every age alike.

# %% tags=["first-page"]
table_3 = notebook.keep(experiment, tables.table_3(found), "table_3")
Markdown(markdown(tables.readable_table_3(table_3)))

# %% tags=["first-page"]
notebook.show(experiment, figures.table_3(table_3), "table_3")

# %% [markdown]
# ## What choosing on the scored fold adds
#
# Within one and the same training, whose epoch held-out subjects chose: the score at the epoch that
# the test fold would have chosen, minus the score at the epoch they chose. It may be negative,
# since both choose by loss.

# %%
optimism = notebook.keep(experiment, tables.optimism(found), "optimism")
notebook.show_if_any(experiment, optimism, further_figures.optimism, "optimism")
Markdown(findings.about_optimism(optimism))

# %% [markdown]
# ## Confusion matrices
#
# Counts of test faces over all folds, and the share of the true label in percent; f is female, m
# male. A face is scored by a network that was not trained on it. With `monitor="test_fold"`, its
# fold did choose the epoch.

# %%
notebook.show_confusions(experiment, found)

# %% [markdown]
# ## Which ages are right
#
# The share of each age that is right, with Wilson's 95 % intervals: small groups need them. They
# reckon with the images of one subject being alike.

# %%
classes = notebook.keep(experiment, tables.classes(found), "classes")
notebook.show_if_any(experiment, tables.of_age(classes), further_figures.recall, "recall")

# %% [markdown]
# ## For whom it works, and for whom not
#
# Accuracy by group, with Wilson's 95 % intervals: a gap between two groups counts only where it is
# larger than their uncertainty. The figure shows the multi-task network; the table that is kept
# shows all, with the number of faces, and what the group's most frequent label alone would get.

# %%
groups = notebook.keep(experiment, tables.groups(found), "groups")
notebook.show_if_any(
    experiment,
    tables.of_model(groups, "multitask"),
    further_figures.accuracy_by_group,
    "groups",
)
Markdown(findings.about_groups(groups))

# %% [markdown]
# ## Is it as sure as it is right?
#
# Faces by the probability of the answer given, in ten bins; a larger dot is more faces. On the
# dashed line a network is right as often as it says.

# %%
calibration = notebook.keep(experiment, tables.calibration(found), "calibration")
notebook.show_if_any(experiment, calibration, further_figures.calibration, "calibration")
Markdown(findings.about_calibration(calibration))

# %% [markdown]
# ## What it costs
#
# A dot is where a network's trainings ended; the line before it begins at the best epoch. The cost
# is counted: updates, times multiply-adds. Where the benchmark measured an update of each network,
# in turns on one machine, the table that is kept has hours as well.

# %%
cost = notebook.keep(experiment, tables.cost(found), "cost")
notebook.show_if_any(experiment, cost, further_figures.accuracy_against_work, "cost")
Markdown(findings.about_cost(cost))

# %% [markdown]
# ## The ledger: where the paper disagrees

# %% tags=["first-page"]
entries = notebook.keep(experiment, discrepancies(experiment.dataset, found.finished), "ledger")
Markdown(markdown(entries))

# %% [markdown]
# ## What was found

# %%
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *found.finished.values()))
