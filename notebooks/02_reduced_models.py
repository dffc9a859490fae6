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
# **What is asked:** do a gender and an age network with a quarter of the baseline's filters and
# units come out as the paper describes them, and how well do they do (paper, sections 3.1 and 4.1)?

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
extra_folds: list = None  # folds of what goes beyond Table 3; None: the first
held_out_folds: list = None  # folds monitored on held-out subjects; None: extra_folds
faces: int = None  # size of a sample of whole subjects; None: the protocol's (the paper: all)
epochs: int = None  # at most, 1 to 10000; None: the protocol's (the paper: 100)
levi_hassner_epochs: int = None  # of their own recipe; None: epochs where given, else their 192
batch_size: int = None  # faces, 1 to 4096; None: the protocol's (the paper: 128)
learning_rate: float = None  # of Adam, up to 1; None: the protocol's (the paper: 0.0001)
gamma: float = None  # weight of the gender loss in multi-task networks, 0 to 1; None: 0.5
monitor: str = None  # "test_fold" (as we read the paper), "held_out", "none"; None: the first
precision: str = None  # "float32" or "mixed_bfloat16"; None: "float32"
seed: int = None  # of weights, dropout, crops, order and samples; None: 2022
scheduler: str = None  # of Dask, for folds side by side: "local:2", an address; None: no Dask
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

from adience_lib.experiments.experiment import probe, start, train, train_baseline, train_held_out
from adience_lib.experiments.results import find_runs
from adience_lib.report import findings, notebook, tables

# %%
experiment = start(globals(), before)
Markdown(findings.about_to_train(experiment, "gender", "age"))

# %% [markdown]
# ## Table 1: the reduced gender network, layer by layer
#
# Computed from the network as built, beside the paper's. `match` compares the output size and the
# number of parameters. The pooling windows are 3x3: the paper's 1x1 cannot give its own sizes.

# %% tags=["nbval-check-output"]
table_1 = notebook.keep(experiment, tables.table_1(), "table_1")
table_1

# %% [markdown]
# ## Table 2: parameters of all networks

# %% tags=["nbval-check-output"]
table_2 = notebook.keep(experiment, tables.table_2(), "table_2")
table_2

# %%
assert table_1["match"].all(), "Table 1 differs from the paper's"
assert table_2["match"].all(), "Table 2 differs from the paper's"

# %% [markdown]
# ## What "reduced" is measured against
#
# The paper counts its baseline with stride 1. Levi & Hassner's first convolution has stride 4, and
# their network is far smaller. In arithmetic the reduced network saves nothing against it.

# %% tags=["nbval-check-output"]
notebook.keep(experiment, tables.baseline(), "baseline")

# %% [markdown]
# ## Figure 4: the gender network's learning curves
#
# A thin line is a fold's monitored faces; the thick line and the band are their mean and standard
# deviation over the folds that still train. The dashed line is the mean over the training faces. It
# can lie below the others: it is taken during the epoch, with random crops and dropout.

# %%
gender = train(experiment, "gender")
notebook.show_runs(experiment, gender, "figure_4_gender")

# %% [markdown]
# ## Figure 5: the age network's learning curves

# %%
age = train(experiment, "age")
notebook.show_runs(experiment, age, "figure_5_age")

# %% [markdown]
# ## Both again, with the epoch chosen on held-out subjects
#
# The paper does not say what its early stopping looks at. Here it looks at subjects that are taken
# out of the training folds, and the test fold is measured after each epoch and used for nothing.
# Notebook 05 shows what the other choice adds.

# %%
held = train_held_out(experiment, "gender", "age")
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *held.values()))

# %% [markdown]
# ## Levi & Hassner's networks: the recipe or the architecture?
#
# The published baseline, trained as the paper trains and then by its own recipe: SGD in five steps,
# weight decay, no early stopping, and ten crops of a face for a score (the centre and the corners,
# each mirrored too). Their networks keep their own initial weights, mean image and mirroring in
# both. "Caffe SGD" is stochastic gradient descent as the software Caffe runs it; a rate drop
# divides the rate by ten. The lines are 95 % bootstrap intervals, with subjects drawn.

# %%
train_baseline(experiment)
recipes = notebook.keep(experiment, tables.recipes(find_runs(experiment)), "recipes")
notebook.show_intervals(experiment, recipes, ["network", "recipe", "scored on"], "recipes")
Markdown(findings.about_recipes(recipes))

# %% [markdown]
# ## What the features of one task know of the other
#
# The paper suspects that "there are no age-gender dependent features" (5.2). A linear model, a
# logistic regression, reads age off the trunk (the convolutional layers) that was trained for
# gender, off the same trunk before training, and off the pixels; and the reverse. Each sees the 128
# first principal components of the training faces' features.

# %%
linear_probes = notebook.keep(experiment, tables.linear_probes(probe(experiment)), "readouts")
notebook.show_intervals(experiment, linear_probes, ["read off"], "readouts")
Markdown(findings.about_linear_probes(linear_probes, gender, age))

# %% [markdown]
# ## What was found

# %% tags=["nbval-check-output"]
Markdown(findings.about_architecture(table_1, table_2))

# %%
Markdown(findings.about_runs(experiment.dataset, experiment.faces, gender, age))
