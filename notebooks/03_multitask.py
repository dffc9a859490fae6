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
# # 3. One network for both tasks
#
# **What is asked:** does one trunk with two heads do as well on both tasks as two networks, and
# does it save training time (paper, sections 3.2, 4.2 and 5.2)?

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
gammas: list = None  # others to try on the extra folds; None: [0, 0.25, 0.75, 1], the demo [0, 1]
scheduler: str = None  # of Dask, for folds side by side: "local:2", an address; None: no Dask
runs_dir: str = None  # where trainings are kept; None: the variable ADIENCE_RUNS, else runs/
figures_dir: str = None  # where figures and tables go; None: figures/ and the dataset's name

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

from adience_lib import models
from adience_lib.experiments.experiment import start, sweep_gamma, train, train_held_out
from adience_lib.experiments.results import finished_runs
from adience_lib.models.summary import architecture_table
from adience_lib.report import figures, findings, further_figures, notebook, tables

# %%
experiment = start(globals(), before)
Markdown(findings.about_to_train(experiment, "multitask"))

# %% [markdown]
# ## Figure 3: the architecture
#
# Drawn from the network as built. The grey-blue boxes are the shared "functional layer".

# %%
network = architecture_table(models.build("multitask"))
notebook.show(experiment, figures.architecture(network, ("gender", "age")), "figure_3_architecture")

# %% [markdown]
# ## Figure 6: learning curves
#
# The loss is `gamma * L_gender + (1 - gamma) * L_age` (equation 1).

# %%
multitask = train(experiment, "multitask")
notebook.show_runs(experiment, multitask, "figure_6_multitask")

# %% [markdown]
# ## The same, with the epoch chosen on held-out subjects

# %%
held = train_held_out(experiment, "multitask")
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *held.values()))

# %% [markdown]
# ## gamma
#
# The paper does not say which gamma it used. The sweep shows how much hangs on it, on the extra
# folds. The bands are 95 % bootstrap intervals, with subjects drawn. The same subjects are in each,
# so bands that overlap do not show that two values are equal.

# %%
sweep = notebook.keep(experiment, tables.gammas(sweep_gamma(experiment)), "gamma")
notebook.show_if_any(experiment, sweep, further_figures.accuracy_by_gamma, "gamma")
Markdown(findings.about_gamma(sweep))

# %% [markdown]
# ## What the network looks at
#
# Grad-CAM (Selvaraju et al. 2017) on faces of the first fold, four that were right and four that
# were not. Bright is what speaks for the answer given. It shows where the evidence lies, and not
# whether it is a good reason.

# %%
notebook.show_attention(experiment, "multitask", "gender")

# %%
notebook.show_attention(experiment, "multitask", "age")

# %% [markdown]
# ## What was found

# %%
Markdown(findings.about_runs(experiment.dataset, experiment.faces, multitask))

# %%
alone = [finished_runs(experiment, task) for task in ("gender", "age")]
Markdown(findings.about_difference(multitask, *alone))
