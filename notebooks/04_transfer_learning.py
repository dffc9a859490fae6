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
# **What is asked:** does a network that knows ImageNet, Xception, do better on faces than the
# reduced ones, and does it converge within a few epochs (paper, sections 3.3, 4.3 and 5.3)?

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
batch_size: int = None  # faces, 1 to 4096; None: the protocol's (the paper: 128)
learning_rate: float = None  # of Adam, up to 1; None: the protocol's (the paper: 0.0001)
gamma: float = None  # weight of the gender loss in multi-task networks, 0 to 1; None: 0.5
monitor: str = None  # "test_fold" (as we read the paper), "held_out", "none"; None: the first
precision: str = None  # "float32" or "mixed_bfloat16"; None: "float32"
seed: int = None  # of weights, dropout, crops, order and samples; None: 2022
weights: str = None  # of Xception: "imagenet", a .weights.h5 file or "random"; None: "imagenet"
scheduler: str = None  # of Dask, for folds side by side: "local:2", an address; None: no Dask
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

from adience_lib.experiments.experiment import for_transfer, probe_vgg, start, train, train_held_out
from adience_lib.experiments.results import finished_runs
from adience_lib.report import findings, notebook, tables

# %%
experiment = start(globals(), before)

# %% [markdown]
# ## What is trained
#
# The last ten of Xception's layers, as Keras lists them, and the two heads. Everything before is
# frozen, and the frozen batch normalisations keep ImageNet's statistics.

# %% tags=["nbval-check-output"]
notebook.keep(experiment, tables.trainable_layers(), "trainable_layers")

# %% [markdown]
# ## Where the weights come from

# %%
weights, transferring = for_transfer(experiment)
Markdown(findings.about_weights(weights))

# %%
Markdown(findings.about_to_train(transferring, "transfer"))

# %% [markdown]
# ## Figure 7: learning curves

# %%
transfer = train(transferring, "transfer", weights)
notebook.show_runs(transferring, transfer, "figure_7_transfer")

# %% [markdown]
# ## The same, with the epoch chosen on held-out subjects

# %%
held = train_held_out(transferring, "transfer", weights=weights)
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *held.values()))

# %% [markdown]
# ## What the network looks at
#
# As in notebook 03. Xception's last map has only 7x7 places, so the heat is coarse.

# %%
notebook.show_attention(transferring, "transfer", "gender")

# %%
notebook.show_attention(transferring, "transfer", "age")

# %% [markdown]
# ## The related work: VGG-16 as it is, and a logistic regression
#
# The paper builds on Gopalakrishnan et al. (1.1), who put a simple model on the features of VGG-16
# without training it. Here that is the last map, averaged over its places, for both tasks.

# %%
linear = probe_vgg(experiment)
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *linear.values()))

# %% [markdown]
# ## What was found

# %%
Markdown(findings.about_runs(experiment.dataset, experiment.faces, transfer))

# %%
reduced = finished_runs(experiment, "multitask")
Markdown(findings.about_difference(transfer, reduced))
