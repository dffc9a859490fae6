"""The paper's claims, decided on finished runs by criteria that were written down before.

A claim is decided where its p-value, corrected after Holm over all claims, is at most 5 %. The
p-value of a comparison of accuracies is the larger of two, so that both tests must agree: the
bootstrap over subjects, and the corrected resampled t-test over folds. Seconds and epochs, of
which each training has one, have the t-test alone; which fold is the highest has the bootstrap
alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, FOLDS, LABELS
from adience_lib.evidence import comparison, metrics, paper, quality, significance
from adience_lib.evidence.comparison import Part
from adience_lib.evidence.significance import LEVEL, MARGIN, Estimate, FoldMean, Resampled
from adience_lib.experiments.results import Results
from adience_lib.models.summary import architecture_table
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


@dataclass(frozen=True)
class Evidence:
    """All ``parts`` of a claim, or why there are none.

    ``doubt``: why they decide nothing. ``idle``: which networks have learned nothing, so that
    the claim cannot be supported; that others are better can still contradict it.
    """

    parts: list[Part] = field(default_factory=list)
    doubt: str = ""
    idle: str = ""

    @property
    def p_for(self) -> float:
        """A claim holds if every part does. Without parts nothing was tested: 1."""
        return max((part.p_for for part in self.parts), default=1.0)

    @property
    def p_against(self) -> float:
        """It fails if any part does: the smallest p-value, times their number."""
        smallest = min((part.p_against for part in self.parts), default=1.0)
        return min(1.0, max(1, len(self.parts)) * smallest)


def verdicts(results: Results) -> pd.DataFrame:
    """A row a claim, indexed by number: ``claim``, ``place``, ``criterion``, ``verdict``,
    ``because`` (in short, why it is undecided), ``why``, and the corrected p-values ``p for`` and
    ``p against``.

    A missing run, or runs that cannot be compared, leave their claim undecided and say why.
    """
    gathered = [_gather(_TESTS[claim.number], results) for claim in paper.CLAIMS]
    # A claim that could not be tested still counts among those that are: what is decided does
    # not change when others are run later.
    p_for, p_against = significance.holm_either_way(
        [evidence.p_for for evidence in gathered], [evidence.p_against for evidence in gathered]
    )
    rows = []
    for i, claim in enumerate(paper.CLAIMS):
        verdict = _verdict(gathered[i], p_for[i], p_against[i], results.is_demo)
        rows.append(
            {
                "number": claim.number,
                "claim": claim.words,
                "place": claim.place,
                "criterion": claim.criterion,
                "verdict": verdict,
                "because": _because(gathered[i], results.is_demo) if verdict == UNDECIDED else "",
                "why": _why(gathered[i], verdict, results.is_demo),
                "p for": p_for[i],
                "p against": p_against[i],
            }
        )
    return pd.DataFrame(rows).set_index("number")


def _gather(test: Callable[[Results], Evidence], results: Results) -> Evidence:
    try:
        return test(results)
    except AdienceError as error:
        return Evidence(doubt=str(error))


def _verdict(evidence: Evidence, p_for: float, p_against: float, is_demo: bool) -> str:
    if is_demo or evidence.doubt:
        return UNDECIDED
    if p_for <= LEVEL:
        return UNDECIDED if evidence.idle else SUPPORTED
    return CONTRADICTED if p_against <= LEVEL else UNDECIDED


def _because(evidence: Evidence, is_demo: bool) -> str:
    """Whether an undecided claim was tested at all, and what stood in the way."""
    if is_demo:
        return "not tested: the faces are drawn"
    untested = dict.fromkeys(part.untested for part in evidence.parts)
    if reasons := _reasons(evidence.doubt, *untested):
        return f"not tested: {reasons}"
    if evidence.idle and evidence.p_for <= evidence.p_against:
        return evidence.idle
    return "tested: too near its limit for so few faces and folds"


def _why(evidence: Evidence, verdict: str, is_demo: bool) -> str:
    undecided = verdict == UNDECIDED and not is_demo
    words = []
    for part in evidence.parts:
        words.append(part.words)
        if undecided and part.is_open and part.more:
            words.append(f"to decide a difference of this size: {part.more}")
    words += [reason for reason in (evidence.doubt, evidence.idle) if reason]
    if is_demo:
        words.append("drawn faces decide nothing")
    return "; ".join(words)


def _idle(results: Results, networks: Sequence[tuple[Runs, str]]) -> str:
    """Which of the networks have not been shown to beat the most frequent label at a task.

    Two networks that have learned nothing are equal, stop early, and share no features: that
    supports nothing.
    """
    idle = []
    for runs, task in networks:
        hits = metrics.correct(runs.predictions, task).astype("float64")
        gain = hits - metrics.majority_hits(runs.predictions, results.faces, task)
        if significance.resample(gain, runs.predictions["subject"]).above(0) > LEVEL:
            idle.append(f"{comparison.named(runs)} on {task}")
    if not idle:
        return ""
    return f"not shown to beat the most frequent label: {', '.join(idle)}"


def _cut_off(*networks: Runs) -> str:
    """Networks that were given fewer epochs than the paper's and used them all."""
    cut = [
        f"{runs.title} at {runs.protocol.epochs}"
        for runs in networks
        if runs.cut_short and runs.protocol.epochs < PAPER.epochs
    ]
    if not cut:
        return ""
    return f"trainings cut off before the paper's {PAPER.epochs} epochs: {', '.join(cut)}"


def _outdated(*networks: Runs) -> str:
    """Networks that lack a layer of Table 1, which the library left out before."""
    old = [comparison.named(runs) for runs in networks if runs.is_outdated]
    return f"without Table 1's third normalisation: {', '.join(old)}" if old else ""


def _unfit(*networks: Runs) -> str:
    return _reasons(_cut_off(*networks), _outdated(*networks))


def _shortened(baselines: list[Runs]) -> str:
    """Levi & Hassner's own recipe with fewer epochs than theirs is not theirs."""
    epochs = min(runs.protocol.epochs for runs in baselines)
    if epochs >= LEVI_HASSNER.epochs:
        return ""
    return f"Levi & Hassner's own recipe was cut to {epochs} of its {LEVI_HASSNER.epochs} epochs"


def _reasons(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)


def _on_par(results: Results) -> Evidence:
    baseline = {task: results.baseline(task) for task in LABELS}
    reduced = {task: results.unselected(task) for task in LABELS}
    parts = [comparison.equal(reduced[task], baseline[task], task) for task in LABELS]
    doubt = _reasons(_shortened([*baseline.values()]), _unfit(*reduced.values()))
    return Evidence(parts, doubt, _idle(results, [*_pairs(reduced), *_pairs(baseline)]))


def _pairs(networks: dict[str, Runs]) -> list[tuple[Runs, str]]:
    return [(runs, task) for task, runs in networks.items()]


def _as_good_as_two(results: Results) -> Evidence:
    both, alone = results.main("multitask"), {task: results.main(task) for task in LABELS}
    parts = [comparison.equal(both, runs, task) for task, runs in alone.items()]
    pairs = [*_pairs(alone), *_pairs(dict.fromkeys(LABELS, both))]
    return Evidence(parts, _unfit(both, *alone.values()), _idle(results, pairs))


def _faster_than_two(results: Results) -> Evidence:
    both, alone = results.main("multitask"), {task: results.main(task) for task in LABELS}
    networks = [both, *alone.values()]
    if elsewhere := _elsewhere(networks):
        raise AdienceError(elsewhere)
    folds = comparison.common_folds(*networks)
    seconds, epochs = (
        [runs.records.set_index("fold").loc[folds, name].to_numpy() for runs in networks]
        for name in ("seconds", "epochs")
    )
    ratios = np.log(seconds[0] / (seconds[1] + seconds[2]))
    words = (
        f"{np.exp(ratios.mean()):.2f} times the seconds of the two together (at "
        f"{epochs[0].mean():.1f} epochs against {epochs[1].mean():.1f} and {epochs[2].mean():.1f})"
    )
    part = _below(words, significance.over_folds(ratios), np.log(paper.DRASTIC))
    pairs = [*_pairs(alone), *_pairs(dict.fromkeys(LABELS, both))]
    doubt = _reasons(_limited(networks), _outdated(*networks))
    return Evidence([part], doubt, _idle(results, pairs))


def _below(words: str, over_folds: FoldMean, threshold: float) -> Part:
    """Whether a mean over folds is below a threshold. It has no subjects to draw from."""
    against, for_ = significance.greater(over_folds, threshold)
    smaller = significance.spread_needed(over_folds, threshold, comparison.TESTS)
    more = f"a spread over the folds {smaller:.1f} times smaller" if smaller < np.inf else ""
    return Part(words, for_, against, more)


def _elsewhere(networks: list[Runs]) -> str:
    """Seconds of different machines cannot be compared."""
    machines = comparison.machines(networks)
    return f"timed on different machines: {'; '.join(machines)}" if len(machines) > 1 else ""


def _limited(networks: list[Runs]) -> str:
    """Where the limit of epochs ends a training, when it would have stopped is not known."""
    cut = [f"{runs.cut_short} of {runs.title}" for runs in networks if runs.cut_short]
    if not cut:
        return ""
    return f"trainings ended by the limit of epochs, not by early stopping: {', '.join(cut)}"


def _transfer_beats(results: Results) -> Evidence:
    baseline = {task: results.baseline(task) for task in LABELS}
    transfer = results.unselected("transfer")
    parts = [
        comparison.better(transfer, baseline["gender"], "gender"),
        comparison.equal(transfer, baseline["age"], "age"),
    ]
    doubt = _reasons(
        _nothing_transferred(transfer), _shortened([*baseline.values()]), _cut_off(transfer)
    )
    pairs = [*_pairs(baseline), *_pairs(dict.fromkeys(LABELS, transfer))]
    return Evidence(parts, doubt, _idle(results, pairs))


def _nothing_transferred(transfer: Runs) -> str:
    random = transfer.protocol.weights == "random"
    return "nothing was transferred: the features are random" if random else ""


ROUNDING = 1 / np.sqrt(12)
"""The standard deviation of what is lost when a number is rounded: epochs are whole."""


def _converges_soon(results: Results) -> Evidence:
    transfer = results.main("transfer")
    best = transfer.records["best_epoch"].to_numpy("float64")
    words = (
        f"best epoch {', '.join(f'{epoch:.0f}' for epoch in best)}, on average {best.mean():.1f}"
    )
    part = _below(words, significance.over_folds(best, ROUNDING), paper.FEW_EPOCHS)
    unchosen = "no epoch was chosen" if transfer.protocol.monitor == "none" else ""
    doubt = _reasons(_nothing_transferred(transfer), unchosen, _limited([transfer]))
    return Evidence([part], doubt, _idle(results, _pairs(dict.fromkeys(LABELS, transfer))))


def _nothing_shared(results: Results) -> Evidence:
    networks = {task: results.main(task) for task in LABELS}
    parts = [_readable(results, "age", "gender"), _readable(results, "gender", "age")]
    doubt = _outdated(*networks.values())
    idle = _reasons(_idle(results, _pairs(networks)), _cut_off(*networks.values()))
    return Evidence(parts, doubt, idle)


def _readable(results: Results, task: str, trained_for: str) -> Part:
    """Whether ``task`` cannot be read off the trunk that was trained for the other task."""
    trained = results.linear_probe(f"{task}_from_{trained_for}")
    controls = [
        results.linear_probe(f"{task}_from_{control}") for control in ("untrained", "pixels")
    ]
    parts = [comparison.better(trained, control, task, MARGIN) for control in controls]
    return Part(
        "; ".join(part.words for part in parts),
        p_for=min(1.0, len(parts) * min(part.p_against for part in parts)),
        p_against=max(part.p_for for part in parts),
        more=" and ".join(part.more for part in parts if part.is_open and part.more),
        untested=_reasons(*dict.fromkeys(part.untested for part in parts)),
    )


def _costs_less(results: Results) -> Evidence:
    reduced, published = results.main("gender"), results.baseline_under_protocol("gender")
    if reduced.protocol != published.protocol:
        raise AdienceError("the two networks were not trained under the same protocol")
    counts = [_multiply_adds(runs.model) for runs in (reduced, published)]
    words = (
        f"{counts[0] / 1e6:.0f} million multiply-adds a face against {counts[1] / 1e6:.0f} as "
        "published (the paper counts another network)"
    )
    doubt = _reasons(_elsewhere([reduced, published]), _outdated(reduced))
    if doubt:
        return Evidence([Part(words, 1, 1)], doubt)
    folds = comparison.common_folds(reduced, published)
    seconds = [_log_seconds(runs, folds) for runs in (reduced, published)]
    ratios = seconds[0] - seconds[1]
    words += f", {np.exp(ratios.mean()):.2f} times its seconds an epoch"
    if len(folds) < 2:
        return Evidence([comparison.without_test(words, folds)])
    part = _below(words, significance.over_folds(ratios), 0.0)
    for_, against = (1.0, part.p_against) if counts[0] >= counts[1] else (part.p_for, 1.0)
    return Evidence([Part(words, for_, against, part.more)])


def _multiply_adds(name: str) -> int:
    return int(architecture_table(models.build(name))["multiply_adds"].sum())


def _log_seconds(runs: Runs, folds: list[int]) -> np.ndarray:
    """The mean log seconds of each fold's epochs, but for its first, which also prepares the
    computation. Raises AdienceError where there is no other."""
    later = runs.history[runs.history["epoch"] > 1]
    if set(folds) - set(later["fold"]):
        raise AdienceError("too few epochs to compare the seconds: the first also prepares them")
    return np.log(later["seconds"]).groupby(later["fold"]).mean().loc[folds].to_numpy()


FAVOURITE = AGE_LABELS.index("(25, 32)")


def _best_at_25(results: Results) -> Evidence:
    runs = results.main("multitask")
    faces = runs.predictions
    hits = 100.0 * metrics.correct(faces, "age")
    absent = sorted(set(range(len(AGE_LABELS))) - set(faces["age"]))
    if absent:
        raise AdienceError(f"no test faces aged {', '.join(AGE_LABELS[i] for i in absent)}")
    right = significance.resample_groups(
        hits, faces["subject"], faces["age"].to_numpy(), len(AGE_LABELS)
    )
    others = [i for i in range(len(AGE_LABELS)) if i != FAVOURITE]
    by_fold = pd.Series(hits).groupby([faces["fold"].to_numpy(), faces["age"].to_numpy()]).mean()
    recall = by_fold.unstack()
    leads = [_lead(right[FAVOURITE], right[i]) for i in others]
    over_folds = [
        significance.over_folds((recall[FAVOURITE] - recall[i]).dropna().to_numpy()) for i in others
    ]
    p_for, p_against = _ahead_of_all(leads, over_folds)
    best = max(others, key=lambda i: right[i].value)
    words = (
        f"{right[FAVOURITE].value:.0f} % of the faces aged {AGE_LABELS[FAVOURITE]} are right, "
        f"{right[best].value:.0f} % of those aged {AGE_LABELS[best]}, the best other; "
        f"the network says {AGE_LABELS[FAVOURITE]} of "
        f"{100 * np.mean(metrics.predicted(faces, 'age') == FAVOURITE):.0f} % of all faces"
    )
    nearest = others.index(best)
    # A label that is ahead was picked out of all the others, and its p-value pays for that.
    tests = comparison.TESTS * (len(others) if leads[nearest].value < 0 else 1)
    more = significance.needed(leads[nearest], over_folds[nearest], [0], tests)
    part = Part(words, p_for, p_against, comparison.times(more))
    doubt = _reasons(_another_is_frequent(results), _unfit(runs))
    return Evidence([part], doubt, _idle(results, [(runs, "age")]))


def _another_is_frequent(results: Results) -> str:
    """The paper expects the age to be the best because it has the most faces (2.1)."""
    counts = results.faces["age"].value_counts()
    most = counts.idxmax()
    if counts[most] == counts.get(FAVOURITE, 0):
        return ""
    return (
        f"the most frequent age is {AGE_LABELS[most]} here, and the paper expects the most "
        "frequent one to be the best"
    )


def _lead(one: Resampled, other: Resampled) -> Resampled:
    return Resampled(one.value - other.value, one.draws - other.draws, one.subjects)


def _ahead_of_all(*estimates: Sequence[Estimate]) -> tuple[float, float]:
    """p-values for and against "all leads are above zero", where each way of testing has its own.

    For: the worst of all. Against: some one lead is below zero, the best p-value times their
    number, since it was picked.
    """
    tests = [[significance.greater(lead) for lead in leads] for leads in estimates]
    agreed = [comparison.agreed(pairs) for pairs in zip(*tests, strict=True)]
    p_for = max(for_ for for_, _ in agreed)
    return p_for, min(1.0, len(agreed) * min(against for _, against in agreed))


def _varies_over_folds(results: Results) -> Evidence:
    networks = {task: results.main(task) for task in ("gender", "age")}
    accuracies = {task: _fold_accuracies(runs, task) for task, runs in networks.items()}
    values = {task: np.array([fold.value for fold in folds]) for task, folds in accuracies.items()}
    draws = {task: np.array([fold.draws for fold in folds]) for task, folds in accuracies.items()}
    spreads = {task: np.std(values[task], ddof=1) for task in values}
    gap = spreads["age"] - spreads["gender"]
    drawn = np.std(draws["age"], axis=0, ddof=1) - np.std(draws["gender"], axis=0, ddof=1)
    # Each draw scatters about its fold's accuracy, which widens both spreads, and more so that of
    # the task with more errors. So the draws are moved to where the measured gap is.
    centred = Resampled(gap, drawn - drawn.mean() + gap, 0)
    words = (
        f"standard deviation {spreads['age']:.1f} points of age, {spreads['gender']:.1f} of gender"
    )
    tests = [significance.greater(centred), _varies_more(values["age"], values["gender"])]
    parts = [Part(words, *comparison.agreed(tests))]
    for task, (first, *others) in accuracies.items():
        leads = [_lead(first, other) for other in others]
        least = min(lead.value for lead in leads)
        words = f"{task}: the first fold minus the highest other {least:+.1f} points"
        parts.append(Part(words, *_ahead_of_all(leads)))
    elsewhere = "" if results.is_adience else "these folds are not Adience's: there is no first one"
    doubt = _reasons(elsewhere, _unfit(*networks.values()))
    return Evidence(parts, doubt, _idle(results, _pairs(networks)))


def _varies_more(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """p-values for and against "``one`` varies more", after Pitman & Morgan.

    The sum and the difference correlate where one of the two varies more. Where either is the
    same in every fold there is nothing to correlate, and nothing is shown.
    """
    if np.ptp(one + other) == 0 or np.ptp(one - other) == 0:
        return 1.0, 1.0
    more, less = (
        stats.pearsonr(one + other, one - other, alternative=side).pvalue
        for side in ("greater", "less")
    )
    return float(more), float(less)


def _fold_accuracies(runs: Runs, task: str) -> list[Resampled]:
    if len(runs.folds) < FOLDS:
        raise AdienceError(f"{runs.title}: needs all five folds, has {runs.folds}")
    # Folds are drawn from independently, so each has a seed; both tasks share a fold's draws.
    return [
        quality.accuracy(runs.on_folds([fold]), task, significance.SEED + fold)
        for fold in runs.folds
    ]


_TESTS: dict[int, Callable[[Results], Evidence]] = {
    1: _on_par,
    2: _as_good_as_two,
    3: _faster_than_two,
    4: _transfer_beats,
    5: _converges_soon,
    6: _nothing_shared,
    7: _costs_less,
    8: _best_at_25,
    9: _varies_over_folds,
}
