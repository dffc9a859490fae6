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
# **What is asked:** how do the networks compare, with the paper's Table 3 beside them, and where
# does the paper disagree with itself, its data or its tools (paper, sections 4.4 and 5)?
#
# This notebook reads finished runs and never trains. Give it the parameters of the runs to read.

# %% [markdown]
# ## Parameters
#
# `papermill --help-notebook` lists them. In each, `None` stands for the protocol's own value.

# %% tags=["parameters"]
data: str = None  # a dataset's folder, or "demo"; None: the variable ADIENCE_DATA, else the demo
allow_missing: bool = False  # go on without images that are missing or unreadable, and count them
drop_repeats: bool = False  # keep one of each set of equal rows of Adience
protocol: str = None  # "paper", "demo" or "smoke"; None: "demo" for the demo, else "paper"
folds: list = None  # folds to test on, such as [0, 1]; None: all five
faces: int = None  # size of a sample of whole subjects; None: the protocol's (the paper: all)
epochs: int = None  # at most, 1 to 10000; None: the protocol's (the paper: 100)
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

from adience_lib import display, figures, findings, tables
from adience_lib.experiment import all_finished_runs, commands, missing_runs, start
from adience_lib.ledger import ledger

# %%
experiment = start(globals())
finished = all_finished_runs(experiment)
Markdown(findings.about_missing(missing_runs(experiment, finished), commands(experiment)))

# %% [markdown]
# ## Table 3
#
# Accuracies are means over the folds in percent, ± the standard deviation, and the standard error
# in brackets: the paper's text names the one, its caption the other. The paper's are on Adience.

# %%
table_3 = display.keep(experiment, tables.table_3(finished, experiment.faces), "table_3")
tables.readable_table_3(table_3)

# %%
display.show(experiment, figures.table_3(table_3), "table_3")

# %% [markdown]
# ## Confusion matrices
#
# Counts of test faces over all folds; f is female, m male. A face is scored by a network that was
# not trained on it. With `monitor="test_fold"`, its fold did choose the epoch.

# %%
for runs in finished.values():
    for task in runs.tasks:
        display.show(
            experiment,
            figures.confusion_matrix(runs, task),
            f"confusion_{runs.model}_{task}",
        )

# %% [markdown]
# ## The ledger: where the paper disagrees

# %%
entries = display.keep(experiment, ledger(experiment.dataset, finished), "ledger")
Markdown(tables.markdown(entries))

# %% [markdown]
# ## What was found

# %%
Markdown(findings.about_runs(experiment.dataset, experiment.faces, *finished.values()))
