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
# **What is asked:** how many faces pass the paper's filter, what was dropped and why, who is in
# them, and whether the five folds keep every person on one side (paper, section 2).

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
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

from adience_lib.experiments.experiment import start
from adience_lib.report import figures, findings, notebook, tables

# %%
experiment = start(globals(), before)
dataset = experiment.dataset

# %% [markdown]
# ## What was dropped, and why
#
# The paper keeps rows whose gender is f or m and whose age is one of eight labels. A row counts
# under the first reason that applies, so the rows add up.

# %% tags=["nbval-check-output"]
notebook.keep(experiment, dataset.drops.set_index("reason"), "drops")

# %% [markdown]
# ## Figure 1: five faces

# %%
notebook.show(
    experiment,
    figures.sample_faces(experiment.images, dataset.faces, experiment.protocol.seed),
    "figure_1_samples",
)

# %% [markdown]
# ## Figure 2: age by gender

# %% tags=["nbval-check-output"]
ages = notebook.keep(experiment, tables.ages(dataset.faces), "age_by_gender")
ages

# %%
notebook.show(experiment, figures.age_by_gender(ages), "figure_2_age_by_gender")

# %% [markdown]
# ## The five folds
#
# A fold is tested by a network that was trained on the other four. Where a person has several
# pictures, a split by picture would test on people who are known from training. `subject` is the
# album's owner in Adience; UTKFace names nobody, so there each picture is its own subject.

# %% tags=["nbval-check-output"]
folds = notebook.keep(experiment, tables.folds(dataset.faces), "folds")
folds

# %%
notebook.show(
    experiment,
    figures.fold_composition(folds.drop(columns=["faces", "subjects", "female"])),
    "folds",
)

# %% [markdown]
# ## What was found

# %% tags=["nbval-check-output"]
Markdown(findings.about_data(dataset))
