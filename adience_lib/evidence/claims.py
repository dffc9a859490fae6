"""The paper's claims, decided on finished runs by the criteria of ``paper.CLAIMS``.

A criterion holds where each of its parts is shown to, and fails where one part is shown to fail;
what was shown neither way is inconclusive. Every test has the level ``contrast.LEVEL``; where any
of m parts can contradict a claim, each has an m-th of it. An exact count has no error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, FOLDS, LABELS
from adience_lib.evidence import comparison, contrast, cost, metrics, paper
from adience_lib.evidence.comparison import Part, common_folds, mean_by_fold
from adience_lib.evidence.contrast import LEVEL, MARGIN, Contrast
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
        smallest = min((part.p_fails for part in self.parts), default=1.0)
        return min(1.0, max(1, len(self.parts)) * smallest)

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
    """The evidence for every row of ``paper.CLAIMS``.

    A missing run, or runs that cannot be compared, leave their criterion untested and say why.
    """
    gathered = {claim.row: _gather(_TESTS[claim.row], results) for claim in paper.CLAIMS}
    if results.is_demo:
        drawn = "drawn faces decide nothing"
        return {row: Evidence(found.parts, drawn) for row, found in gathered.items()}
    return gathered


def _gather(test: Callable[[Results], Evidence], results: Results) -> Evidence:
    try:
        return test(results)
    except AdienceError as error:
        return Evidence(doubt=str(error))


def verdicts(evidence: dict[str, Evidence]) -> pd.DataFrame:
    """A row a criterion, indexed by ``row``: ``claim``, ``place``, ``holds if``, ``fails if``,
    ``verdict``, ``because`` (why nothing was tested), ``p holds`` and ``p fails``."""
    rows = {
        claim.row: {
            "claim": claim.words,
            "place": claim.place,
            "holds if": claim.holds,
            "fails if": claim.fails,
            "verdict": evidence[claim.row].verdict,
            "because": evidence[claim.row].here or evidence[claim.row].doubt,
            "p holds": evidence[claim.row].p_holds,
            "p fails": evidence[claim.row].p_fails,
        }
        for claim in paper.CLAIMS
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("row")


def measured(evidence: dict[str, Evidence]) -> pd.DataFrame:
    """A row a part: ``row`` of its criterion, ``what``, ``unit``, ``paper``, ``value``, ``low`` and
    ``high`` (95 %), ``from`` and ``to`` (where the criterion holds), ``smallest margin`` (points;
    within it the two are shown to be equal), ``planned power``, ``p holds``, ``p fails``,
    ``p holds, corrected t-test``, ``found`` and the ``verdict`` of the criterion.

    Ratios are ratios here, not logarithms.
    """
    rows = []
    for row, one in evidence.items():
        for part in one.parts:
            scale = np.exp if part.unit == "times" else (lambda value: value)
            low, high = part.estimate.interval()
            ends = (part.estimate.value, low, high, part.low, part.high)
            names = ("value", "low", "high", "from", "to")
            rows.append(
                {
                    "row": row,
                    "what": part.what,
                    "unit": part.unit,
                    "paper": part.paper,
                    **{name: float(scale(end)) for name, end in zip(names, ends, strict=True)},
                    "smallest margin": part.estimate.smallest_margin()
                    if part.unit == "points"
                    else np.nan,
                    "planned power": part.planned,
                    "p holds": part.p_holds,
                    "p fails": part.p_fails,
                    "p holds, corrected t-test": part.p_corrected,
                    "found": part.found,
                    "verdict": one.verdict,
                }
            )
    return pd.DataFrame(rows, columns=MEASURED)


MEASURED = (
    *("row", "what", "unit", "paper", "value", "low", "high", "from", "to", "smallest margin"),
    *("planned power", "p holds", "p fails", "p holds, corrected t-test", "found", "verdict"),
)


# What keeps runs from deciding anything.


def _idle(results: Results, networks: Sequence[tuple[Runs, str]]) -> str:
    """Which of the networks have not been shown to beat the most frequent label at a task.

    Two networks that have learned nothing are equal, stop early, and share no features.
    """
    idle = []
    for runs, task in networks:
        hits = metrics.hits(runs, task)
        always = metrics.majority_hits(hits.faces, results.faces, task)
        always = np.repeat(always[:, None], hits.right.shape[1], axis=1)
        gain = contrast.nested(hits.right, always, hits.faces["fold"], hits.faces["subject"])
        if gain.above(0) > LEVEL:
            idle.append(f"{comparison.named(runs)} on {task}")
    return _listed("not shown to beat the most frequent label", idle)


def _cut_off(*networks: Runs) -> str:
    """Networks that were given fewer epochs than the paper's and used them all."""
    cut = [
        f"{runs.title} at {runs.protocol.epochs}"
        for runs in networks
        if runs.cut_short and runs.protocol.epochs < PAPER.epochs
    ]
    return _listed(f"trainings cut off before the paper's {PAPER.epochs} epochs", cut)


def _outdated(*networks: Runs) -> str:
    """Networks that lack a layer of Table 1, which the library left out before."""
    old = [comparison.named(runs) for runs in networks if runs.is_outdated]
    return _listed("without Table 1's third normalisation", old)


def _limited(*networks: Runs) -> str:
    """Where the limit of epochs ends a training, when it would have stopped is not known."""
    cut = [f"{runs.cut_short} of {runs.title}" for runs in networks if runs.cut_short]
    return _listed("trainings ended by the limit of epochs, not by early stopping", cut)


def _listed(words: str, networks: list[str]) -> str:
    return f"{words}: {', '.join(networks)}" if networks else ""


def _shortened(*baselines: Runs) -> str:
    """Levi & Hassner's own recipe with fewer epochs than theirs is not theirs."""
    epochs = min(runs.protocol.epochs for runs in baselines)
    if epochs >= LEVI_HASSNER.epochs:
        return ""
    return f"Levi & Hassner's own recipe was cut to {epochs} of its {LEVI_HASSNER.epochs} epochs"


def _nothing_transferred(runs: Runs) -> str:
    random = runs.model == "transfer" and runs.protocol.weights == "random"
    return "nothing was transferred: the features are random" if random else ""


def _in_doubt(
    results: Results, networks: Sequence[Runs], answers: Sequence[tuple[Runs, str]]
) -> str:
    """What is in doubt about scores of ``networks``, of which ``answers`` name the tasks."""
    return _reasons(_cut_off(*networks), _outdated(*networks), _idle(results, answers))


def _reasons(*reasons: str) -> str:
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason))


# The criteria.


def _gap(one: str, other: str, task: str) -> float:
    """The paper's own difference in points (Table 3)."""
    return float(paper.TABLE_3.loc[one, task] - paper.TABLE_3.loc[other, task])


def _against_baseline(results: Results, *, transfer: bool, own_recipe: bool) -> Evidence:
    """Transfer, or else the networks for one task, against Levi & Hassner's.

    Under their own recipe no epoch is chosen on the scored faces, so none of ours is either.
    """
    ours = {task: "transfer" if transfer else task for task in LABELS}
    lowest = {"gender": 0.0 if transfer else -MARGIN, "age": -MARGIN}
    one_of = results.unselected if own_recipe else results.main
    pairs = {
        task: (one_of(name), results.baseline(task, own_recipe=own_recipe))
        for task, name in ours.items()
    }
    for task, pair in pairs.items():
        folds = common_folds(*pair)
        pairs[task] = pair[0].on_folds(folds), pair[1].on_folds(folds)
    one, other = zip(*pairs.values(), strict=True)
    cut = _reasons(_shortened(*other), _cut_off(*one)) if own_recipe else _cut_off(*one, *other)
    both = [(runs, task) for task, pair in pairs.items() for runs in pair]
    doubt = _reasons(
        _nothing_transferred(one[0]), cut, _outdated(*one, *other), _idle(results, both)
    )
    parts = [
        comparison.accuracies(*pair, task, lowest[task], np.inf, _gap(ours[task], "baseline", task))
        for task, pair in pairs.items()
    ]
    return Evidence(parts, doubt)


def _multitask_and_alone(results: Results) -> tuple[Runs, dict[str, Runs], str]:
    """Multi-task, the networks for one task, all on their common folds, and what is in doubt."""
    networks = [results.main(name) for name in ("multitask", *LABELS)]
    folds = common_folds(*networks)
    both, *others = (runs.on_folds(folds) for runs in networks)
    alone = dict(zip(LABELS, others, strict=True))
    pairs = [(runs, task) for task, one in alone.items() for runs in (one, both)]
    return both, alone, _in_doubt(results, (both, *alone.values()), pairs)


def _multitask_against_alone(results: Results, *, low: float) -> Evidence:
    both, alone, doubt = _multitask_and_alone(results)
    parts = [
        comparison.accuracies(both, one, task, low, MARGIN, _gap("multitask", task, task))
        for task, one in alone.items()
    ]
    return Evidence(parts, doubt)


def _paper_seconds(name: str) -> float:
    kind = "multi-task" if name == "multitask" else "single task"
    return float(paper.TABLE_3.loc[name, "epochs"] * np.mean(paper.SECONDS_AN_EPOCH[kind]))


def _time_of_both(results: Results, *, most: float) -> Evidence:
    both, alone, doubt = _multitask_and_alone(results)
    networks = [both, *alone.values()]
    folds = common_folds(*networks)
    measured_steps = cost.steps()
    # A row a fold, a column a repetition; what not all have been trained for is left out.
    seconds = [
        cost.updates(runs).pivot(index="fold", columns="repetition", values="updates").loc[folds]
        * cost.seconds_an_update(measured_steps, runs)
        for runs in networks
    ]
    ratios = np.log(seconds[0] / (seconds[1] + seconds[2])).mean(axis=1).to_numpy()
    an_update = ", ".join(
        f"{runs.title} {cost.seconds_an_update(measured_steps, runs):.2f}" for runs in networks
    )
    theirs = [_paper_seconds(runs.model) for runs in networks]
    part = Part(
        "time of multitask by that of gender and age together",
        "times",
        contrast.over_folds(ratios),
        -np.inf,
        np.log(most),
        f"seconds an update: {an_update}",
        theirs[0] / (theirs[1] + theirs[2]),
    )
    return Evidence([part], _reasons(doubt, _limited(*networks)))


def _fewer_epochs(results: Results) -> Evidence:
    both, alone, doubt = _multitask_and_alone(results)
    theirs = paper.TABLE_3["epochs"]
    parts = [
        _ratio(
            f"epochs of multitask by those of {one.title}",
            "epochs",
            (both, one),
            1.0,
            float(theirs["multitask"] / theirs[one.model]),
        )
        for one in alone.values()
    ]
    return Evidence(parts, _reasons(doubt, _limited(both, *alone.values())))


def _ratio(what: str, column: str, pair: tuple[Runs, Runs], most: float, theirs: float) -> Part:
    """The first network's epochs, a ``column`` of the records, by the second's."""
    folds = common_folds(*pair)
    one, other = (mean_by_fold(runs, column, folds, True) for runs in pair)
    words = [f"{runs.title} {mean_by_fold(runs, column, folds).mean():.1f}" for runs in pair]
    return Part(
        what,
        "times",
        contrast.over_folds(one - other),
        -np.inf,
        np.log(most),
        f"{column.replace('_', ' ')}: {', '.join(words)}",
        theirs,
    )


def _transfer_stops(results: Results) -> tuple[Runs, str]:
    """The transfer network, and why its epochs decide nothing."""
    transfer = results.main("transfer")
    doubt = _reasons(
        _nothing_transferred(transfer),
        "no epoch was chosen" if transfer.protocol.monitor == "none" else "",
        _limited(transfer),
        _idle(results, [(transfer, task) for task in LABELS]),
    )
    return transfer, doubt


def _soon(results: Results) -> Evidence:
    transfer, doubt = _transfer_stops(results)
    best = mean_by_fold(transfer, "best_epoch", transfer.folds)
    found = contrast.over_folds(best)
    # Epochs are whole: folds that agree are known to half of one, as a uniform error.
    rounded = max(found.error, np.sqrt(1 / 12 / len(best)))
    part = Part(
        "best epoch of transfer",
        "epochs",
        replace(found, error=float(rounded)),
        -np.inf,
        paper.FEW_EPOCHS,
        f"best epochs: {', '.join(f'{epoch:g}' for epoch in best)}",
        paper.BEST_EPOCHS["transfer"],
    )
    return Evidence([part], doubt)


def _sooner(results: Results) -> Evidence:
    transfer, doubt = _transfer_stops(results)
    both = results.main("multitask")
    both = both.on_folds(common_folds(transfer, both))
    part = _ratio(
        "best epoch of transfer by that of multitask",
        "best_epoch",
        (transfer, both),
        paper.HALF,
        paper.BEST_EPOCHS["transfer"] / paper.BEST_EPOCHS["multitask"],
    )
    idle = _idle(results, [(both, task) for task in LABELS])
    return Evidence([part], _reasons(doubt, _outdated(both), _limited(both), idle))


def _no_feature(_: Results) -> Evidence:
    return Evidence(here="that there is no feature cannot be shown; its premise can be tested")


def _fewer_multiply_adds(_: Results, *, than: str) -> Evidence:
    counts = {name: multiply_adds(name) for name in ("gender", than)}
    ratio = np.log(counts["gender"] / counts[than])
    part = Part(
        "multiply-adds of a face: reduced by baseline",
        "times",
        Contrast(ratio, 0.0, np.inf),
        -np.inf,
        0.0,
        f"{counts['gender'] / 1e6:,.0f} and {counts[than] / 1e6:,.0f} million, exact",
    )
    return Evidence([part])


@cache
def multiply_adds(name: str) -> int:
    """Of a forward pass of a network on one face, counted."""
    return int(architecture_table(models.build(name))["multiply_adds"].sum())


FAVOURITE = AGE_LABELS.index("(25, 32)")


def _best_at_25(results: Results) -> Evidence:
    runs = results.main("multitask")
    counts = results.faces["age"].value_counts()
    most = counts.idxmax()
    if counts[most] > counts.get(FAVOURITE, 0):
        return Evidence(
            here=f"the most frequent age is {AGE_LABELS[most]} here, and the paper expects the "
            "most frequent one to be the best"
        )
    recalls = metrics.recalls(runs, "age")
    if absent := [AGE_LABELS[age] for age in recalls if recalls[age].isna().any()]:
        raise AdienceError(f"a fold has no test faces aged {', '.join(absent)}")
    parts = [
        Part(
            f"recall at {AGE_LABELS[FAVOURITE]} minus at {AGE_LABELS[age]}",
            "points",
            contrast.over_folds((recalls[FAVOURITE] - recalls[age]).to_numpy()),
            0.0,
            np.inf,
            f"{recalls[FAVOURITE].mean():.1f} % and {recalls[age].mean():.1f} %",
        )
        for age in recalls
        if age != FAVOURITE
    ]
    return Evidence(parts, _in_doubt(results, [runs], [(runs, "age")]))


def _varies_over_folds(results: Results) -> Evidence:
    if not results.is_adience:
        return Evidence(here="these folds are not Adience's: there is no first one")
    networks = {task: results.main(task) for task in LABELS}
    folds = common_folds(*networks.values())
    if len(folds) < FOLDS:
        raise AdienceError(f"needs all five folds, has {', '.join(map(str, folds))}")
    values = {task: metrics.fold_scores(runs)[task].to_numpy() for task, runs in networks.items()}
    spreads = {task: np.std(of, ddof=1) for task, of in values.items()}
    parts = [
        Part(
            "spread over folds: age by gender",
            "times",
            _ratio_of_spreads(values["age"], values["gender"]),
            0.0,
            np.inf,
            f"standard deviation {spreads['age']:.1f} points of age, {spreads['gender']:.1f} of "
            "gender",
        )
    ]
    for task, runs in networks.items():
        hits = metrics.hits(runs, task)
        of_fold = {
            fold: (hits.right[place], hits.faces["subject"].to_numpy()[place])
            for fold in folds
            for place in [(hits.faces["fold"] == fold).to_numpy()]
        }
        first, *others = folds
        parts += [
            Part(
                f"{task}, fold {first} minus fold {other}",
                "points",
                contrast.two_folds(of_fold[first], of_fold[other]),
                0.0,
                np.inf,
            )
            for other in others
        ]
    answers = [(runs, task) for task, runs in networks.items()]
    return Evidence(parts, _in_doubt(results, list(networks.values()), answers))


def _ratio_of_spreads(one: np.ndarray, other: np.ndarray) -> Contrast:
    """The logarithm of ``one``'s standard deviation by ``other``'s, tested as Pitman & Morgan do.

    The sum and the difference of the two correlate where one varies more, and the t of that
    correlation, on K - 2 degrees of freedom, is the logarithm through its error here. Where either
    is the same in every fold there is nothing to correlate: raises AdienceError.
    """
    if min(np.ptp(one), np.ptp(other), np.ptp(one + other), np.ptp(one - other)) == 0:
        raise AdienceError("the folds are all alike: no spread to compare")
    correlation = float(stats.pearsonr(one + other, one - other).statistic)
    freedom = len(one) - 2
    t = correlation * np.sqrt(freedom / max(1e-12, 1 - correlation**2))
    ratio = float(np.log(np.std(one, ddof=1) / np.std(other, ddof=1)))
    return Contrast(ratio, abs(ratio / t) if t else np.inf, freedom)


_TESTS: dict[str, Callable[[Results], Evidence]] = {
    "1": partial(_against_baseline, transfer=False, own_recipe=False),
    "1, own recipe": partial(_against_baseline, transfer=False, own_recipe=True),
    "2": partial(_multitask_against_alone, low=-MARGIN),
    "3a": partial(_time_of_both, most=paper.DRASTIC),
    "3a, any less": partial(_time_of_both, most=1.0),
    "3b": _fewer_epochs,
    "4": partial(_against_baseline, transfer=True, own_recipe=False),
    "4, own recipe": partial(_against_baseline, transfer=True, own_recipe=True),
    "5": _soon,
    "5, against multi-task": _sooner,
    "6": _no_feature,
    "6, premise": partial(_multitask_against_alone, low=-np.inf),
    "7": partial(_fewer_multiply_adds, than="full_width_gender"),
    "7, as published": partial(_fewer_multiply_adds, than="levi_hassner_gender"),
    "8": _best_at_25,
    "9": _varies_over_folds,
}
