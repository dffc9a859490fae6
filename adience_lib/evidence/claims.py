"""The paper's claims, decided on finished runs by the criteria of ``paper.CLAIMS``.

A criterion holds where each of its parts is shown to, and fails where one part is shown to fail;
what was shown neither way is inconclusive. Every test has the level ``contrast.LEVEL``; where any
of m parts can contradict a claim, each has an m-th of it. An exact count has no error.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, FOLDS, LABELS
from adience_lib.evidence import comparison, contrast, cost, metrics, paper, plan
from adience_lib.evidence.comparison import Part, mean_by_fold, on_common_folds
from adience_lib.evidence.contrast import LEVEL, Contrast
from adience_lib.experiments.results import Results
from adience_lib.models.summary import architecture_table
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError

SUPPORTED, CONTRADICTED, INCONCLUSIVE = "supported", "contradicted", "inconclusive"
NOT_TESTED, UNTESTABLE = "not tested", "cannot be tested here"
VERDICTS = (SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_TESTED, UNTESTABLE)


@dataclass(frozen=True)
class Evidence:
    """All ``parts`` of a criterion; ``doubt``: why they decide nothing; ``here``: why none can."""

    parts: list[Part] = field(default_factory=list)
    doubt: str = ""
    here: str = ""

    @property
    def p_holds(self) -> float:
        """A criterion holds if every part does. Without parts nothing was tested: 1."""
        return max((part.p_holds for part in self.parts), default=1.0)

    @property
    def p_fails(self) -> float:
        """It fails if any part does: the smallest p-value, times their number."""
        return min([1.0, *(len(self.parts) * part.p_fails for part in self.parts)])

    @property
    def verdict(self) -> str:
        """One of ``VERDICTS``."""
        if self.here:
            return UNTESTABLE
        if self.doubt:
            return NOT_TESTED
        if self.p_holds <= LEVEL:
            return SUPPORTED
        return CONTRADICTED if self.p_fails <= LEVEL else INCONCLUSIVE


def decide(results: Results) -> dict[str, Evidence]:
    """The evidence for every row of ``paper.CLAIMS``. A missing run, or runs that cannot be
    compared, leave their criterion untested and say why."""
    gathered = {}
    for claim in paper.CLAIMS:
        try:
            found = _TESTS[claim.row](results)
        except AdienceError as error:
            found = Evidence(doubt=str(error))
        drawn = Evidence(found.parts, "drawn faces decide nothing")
        gathered[claim.row] = drawn if results.is_demo else found
    return gathered


def verdicts(evidence: dict[str, Evidence]) -> pd.DataFrame:
    """A row a criterion, indexed by ``row``: ``claim``, ``place``, ``holds if``, ``fails if``,
    ``verdict``, ``because`` (why nothing was tested), ``p holds`` and ``p fails``."""
    names = {"words": "claim", "holds": "holds if", "fails": "fails if"}
    table = pd.DataFrame(paper.CLAIMS).rename(columns=names).set_index("row")
    found = [evidence[row] for row in table.index]
    decided = [(one.verdict, one.here or one.doubt, one.p_holds, one.p_fails) for one in found]
    columns = ["verdict", "because", "p holds", "p fails"]
    return table.join(pd.DataFrame(decided, table.index, columns))


MEASURED = (
    *("row", "what", "unit", "paper", "value", "low", "high", "from", "to", "smallest margin"),
    *("planned power", "p holds", "p fails", "p holds, corrected t-test", "found", "verdict"),
)


def measured(evidence: dict[str, Evidence]) -> pd.DataFrame:
    """A row a part, with the columns ``MEASURED``: ``row`` of its criterion, ``low`` and ``high``
    (95 %), ``from`` and ``to`` (where the criterion holds), ``smallest margin`` (points; within it
    the two are shown to be equal), the ``verdict`` of the criterion, and what ``Part`` says. Ratios
    are ratios here, not logarithms."""
    rows = []
    for row, one in evidence.items():
        for part in one.parts:
            estimate, scale = part.estimate, np.exp if part.unit == "times" else float
            ends = (estimate.value, *estimate.interval(), part.low, part.high)
            margin = estimate.smallest_margin() if part.unit == "points" else np.nan
            p_values = (part.p_holds, part.p_fails, part.p_corrected)
            found = (part.what, part.unit, part.paper, *map(scale, ends), margin, part.planned)
            rows.append((row, *found, *p_values, part.found, one.verdict))
    return pd.DataFrame(rows, columns=MEASURED)


# What keeps runs from deciding anything.


def _of_all_tasks(*networks: Runs) -> list[tuple[Runs, str]]:
    return [(runs, task) for runs in networks for task in runs.tasks]


def _doubt(results: Results, answers: list[tuple[Runs, str]], *, ended: bool = False) -> str:
    """Why networks on a task each decide nothing; "" if they may. ``ended``: whether it matters
    when a training stopped, which is not known of one that the limit of epochs has ended."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for runs, task in answers:
        if runs.model == "transfer" and runs.protocol.weights == "random":
            reasons["nothing was transferred"].append(runs.title)
        if runs.cut_short and runs.protocol.epochs < PAPER.epochs:
            words = f"trainings cut off before the paper's {PAPER.epochs} epochs"
            reasons[words].append(f"{runs.title} at {runs.protocol.epochs}")
        if runs.cut_short and ended:
            words = "trainings ended by the limit of epochs, not by early stopping"
            reasons[words].append(f"{runs.cut_short} of {runs.title}")
        if not _beats_most_frequent(results, runs, task):
            words = "not shown to beat the most frequent label"
            reasons[words].append(f"{comparison.named(runs)} on {task}")
    listed = {words: ", ".join(dict.fromkeys(names)) for words, names in reasons.items()}
    return "; ".join(f"{words}: {names}" for words, names in listed.items())


def _beats_most_frequent(results: Results, runs: Runs, task: str) -> bool:
    """Two networks that have learned nothing are equal, stop early, and share no features."""
    hits = metrics.hits(runs, task)
    always = metrics.majority_hits(hits.faces, results.faces, task)
    always = np.repeat(always[:, None], hits.right.shape[1], axis=1)
    gain = contrast.nested(hits.right, always, hits.faces["fold"], hits.faces["subject"])
    return gain.above(0) <= LEVEL


# The criteria.


def _networks(results: Results, *names: str) -> list[Runs]:
    """Networks of Table 3, on their common folds."""
    return on_common_folds(*map(results.main, names))


def _accuracies(row: str, pairs: dict[str, list[Runs]]) -> list[Part]:
    """The parts of a criterion about accuracies; ``pairs``: two networks a task."""
    parts = []
    for criterion, task, ours, theirs, low, high in plan.ACCURACIES:
        if criterion == row:
            (one, other), gap = pairs[task], paper.gap(ours, theirs, task)
            parts.append(comparison.accuracies(one, other, task, low, high, gap))
    return parts


def _against_baseline(results: Results, *, row: str, own_recipe: bool) -> Evidence:
    """Transfer, or else the networks for one task, against Levi & Hassner's. Under their own recipe
    no epoch is chosen on the scored faces, so none of ours is either; with fewer epochs it is not
    theirs."""
    names = ["transfer" if row == "4" else task for task in LABELS]
    ours = [results.main(name) for name in names]
    theirs = [results.baseline(task, own_recipe=own_recipe) for task in LABELS]
    if own_recipe:  # after what has not been trained at all is named
        ours = [results.unselected(name) for name in names]
    pairs = dict(zip(LABELS, map(on_common_folds, ours, theirs), strict=True))
    doubt = _doubt(results, [(runs, task) for task, pair in pairs.items() for runs in pair])
    epochs, whole = min(runs.protocol.epochs for runs in theirs), LEVI_HASSNER.epochs
    if own_recipe and epochs < whole:
        doubt = f"Levi & Hassner's own recipe was cut to {epochs} of its {whole} epochs"
    return Evidence(_accuracies(row, pairs), doubt)


def _multitask_against_alone(results: Results, *, row: str) -> Evidence:
    both, *alone = _networks(results, "multitask", *LABELS)
    parts = _accuracies(row, {one.model: [both, one] for one in alone})
    return Evidence(parts, _doubt(results, _of_all_tasks(both, *alone)))


def _time_of_both(results: Results, *, most: float) -> Evidence:
    networks = _networks(results, "multitask", *LABELS)
    an_update = [cost.seconds_an_update(runs) for runs in networks]
    # A row a fold, a column a repetition; what not all have been trained for is left out.
    both, *alone = (
        cost.updates(runs).pivot(index="fold", columns="repetition", values="updates") * seconds
        for runs, seconds in zip(networks, an_update, strict=True)
    )
    seconds_of = zip(networks, an_update, strict=True)
    part = Part(
        "time of multitask by that of gender and age together",
        "times",
        contrast.over_folds(np.log(both / sum(alone)).mean(axis=1).to_numpy()),
        "seconds an update: " + ", ".join(f"{runs.title} {of:.2f}" for runs, of in seconds_of),
        high=np.log(most),
        paper=paper.TIME_OF_BOTH,
    )
    return Evidence([part], _doubt(results, _of_all_tasks(*networks), ended=True))


def _epochs(results: Results, *, names: Sequence[str], column: str, most: float) -> Evidence:
    """The epochs of the first network, a ``column`` of the records, by those of each other one."""
    one, *others = _networks(results, *names)
    parts = [_ratio(one, other, column, most) for other in others]
    return Evidence(parts, _doubt(results, _of_all_tasks(one, *others), ended=True))


def _ratio(one: Runs, other: Runs, column: str, most: float) -> Part:
    name, that, theirs = "epochs", "those", paper.TABLE_3["epochs"]
    if column == "best_epoch":
        name, that, theirs = "best epoch", "that", paper.BEST_EPOCHS
    words = [f"{runs.title} {mean_by_fold(runs, column).mean():.1f}" for runs in (one, other)]
    return Part(
        f"{name} of {one.model} by {that} of {other.model}",
        "times",
        contrast.over_folds(mean_by_fold(one, column, True) - mean_by_fold(other, column, True)),
        f"{name}: {', '.join(words)}",
        high=np.log(most),
        paper=float(theirs[one.model] / theirs[other.model]),
    )


def _soon(results: Results) -> Evidence:
    transfer = results.main("transfer")
    best = mean_by_fold(transfer, "best_epoch")
    found = contrast.over_folds(best)
    # Epochs are whole: folds that agree are known to half of one, as a uniform error.
    rounded = max(found.error, float(np.sqrt(1 / 12 / len(best))))
    part = Part(
        "best epoch of transfer",
        "epochs",
        replace(found, error=rounded),
        f"best epochs: {', '.join(f'{epoch:g}' for epoch in best)}",
        high=paper.FEW_EPOCHS,
        paper=paper.BEST_EPOCHS["transfer"],
    )
    return Evidence([part], _doubt(results, _of_all_tasks(transfer), ended=True))


def _fewer_multiply_adds(_: Results, *, than: str) -> Evidence:
    ours, theirs = multiply_adds("gender"), multiply_adds(than)
    part = Part(
        "multiply-adds of a face: reduced by baseline",
        "times",
        Contrast(np.log(ours / theirs), 0.0, np.inf),
        f"{ours / 1e6:,.0f} and {theirs / 1e6:,.0f} million, exact",
        high=0.0,
    )
    return Evidence([part])


@cache
def multiply_adds(name: str) -> int:
    """Of a forward pass of a network on one face, counted."""
    return int(architecture_table(models.build(name))["multiply_adds"].sum())


def _best_at_25(results: Results) -> Evidence:
    runs, best = results.main("multitask"), AGE_LABELS.index("(25, 32)")
    counts = results.faces["age"].value_counts()
    most = counts.idxmax()
    if counts[most] > counts.get(best, 0):
        return Evidence(
            here=f"the most frequent age is {AGE_LABELS[most]} here, and the paper expects the "
            "most frequent one to be the best"
        )
    recalls = metrics.recalls(runs, "age").set_axis(AGE_LABELS, axis=1)
    if absent := [label for label in recalls if recalls[label].isna().any()]:
        raise AdienceError(f"a fold has no test faces aged {', '.join(absent)}")
    favourite = recalls.pop(AGE_LABELS[best])
    parts = [
        Part(
            f"recall at {AGE_LABELS[best]} minus at {label}",
            "points",
            contrast.over_folds((favourite - recalls[label]).to_numpy()),
            f"{favourite.mean():.1f} % and {recalls[label].mean():.1f} %",
            low=0.0,
        )
        for label in recalls
    ]
    return Evidence(parts, _doubt(results, [(runs, "age")]))


def _varies_over_folds(results: Results) -> Evidence:
    if not results.is_adience:
        return Evidence(here="these folds are not Adience's: there is no first one")
    networks = _networks(results, *LABELS)
    folds = networks[0].folds
    if len(folds) < FOLDS:
        raise AdienceError(f"needs all five folds, has {', '.join(map(str, folds))}")
    gender, age = (metrics.fold_scores(runs)[runs.model].to_numpy() for runs in networks)
    spreads = f"{np.std(age, ddof=1):.1f} points of age, {np.std(gender, ddof=1):.1f} of gender"
    ratio, found = _ratio_of_spreads(age, gender), f"standard deviation {spreads}"
    parts = [Part("spread over folds: age by gender", "times", ratio, found, low=0.0)]
    for runs in networks:
        hits = metrics.hits(runs, runs.model)
        subject = hits.faces["subject"].to_numpy()
        places = hits.faces.groupby("fold").indices
        first, *others = ((hits.right[place], subject[place]) for place in places.values())
        for fold, other in zip(folds[1:], others, strict=True):
            what = f"{runs.model}, fold {folds[0]} minus fold {fold}"
            parts.append(Part(what, "points", contrast.two_folds(first, other), low=0.0))
    return Evidence(parts, _doubt(results, _of_all_tasks(*networks)))


def _ratio_of_spreads(one: np.ndarray, other: np.ndarray) -> Contrast:
    """The logarithm of ``one``'s standard deviation by ``other``'s, tested as Pitman & Morgan do:
    their sum and difference correlate where one varies more, and the t of that correlation, on
    K - 2 degrees of freedom, is the logarithm through its error here."""
    if min(np.ptp(one), np.ptp(other), np.ptp(one + other), np.ptp(one - other)) == 0:
        raise AdienceError("the folds are all alike: no spread to compare")
    correlation = float(stats.pearsonr(one + other, one - other).statistic)
    freedom = len(one) - 2
    t = correlation * np.sqrt(freedom / max(1e-12, 1 - correlation**2))
    ratio = float(np.log(np.std(one, ddof=1) / np.std(other, ddof=1)))
    return Contrast(ratio, abs(ratio / t) if t else np.inf, freedom)


_TESTS: dict[str, Callable[[Results], Evidence]] = {
    "1": partial(_against_baseline, row="1", own_recipe=False),
    "1, own recipe": partial(_against_baseline, row="1", own_recipe=True),
    "2": partial(_multitask_against_alone, row="2"),
    "3a": partial(_time_of_both, most=paper.DRASTIC),
    "3a, any less": partial(_time_of_both, most=1.0),
    "3b": partial(_epochs, names=("multitask", *LABELS), column="epochs", most=1.0),
    "4": partial(_against_baseline, row="4", own_recipe=False),
    "4, own recipe": partial(_against_baseline, row="4", own_recipe=True),
    "5": _soon,
    "5, against multi-task": partial(
        _epochs, names=("transfer", "multitask"), column="best_epoch", most=paper.HALF
    ),
    "6": lambda _: Evidence(
        here="that there is no feature cannot be shown; its premise can be tested"
    ),
    "6, premise": partial(_multitask_against_alone, row="6, premise"),
    "7": partial(_fewer_multiply_adds, than="full_width_gender"),
    "7, as published": partial(_fewer_multiply_adds, than="levi_hassner_gender"),
    "8": _best_at_25,
    "9": _varies_over_folds,
}
