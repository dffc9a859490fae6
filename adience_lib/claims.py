"""The paper's claims, decided on finished runs by criteria that were written down before.

A claim is decided where its p-value, corrected after Holm over all claims, is at most 5 %. The
p-value of a comparison of accuracies is the larger of two, so that both tests must agree: the
bootstrap over subjects, and the corrected resampled t-test over folds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib import evaluation, models, paper, quality, significance
from adience_lib.adience import FOLDS
from adience_lib.errors import AdienceError
from adience_lib.evaluation import Runs
from adience_lib.found import Found
from adience_lib.labels import AGE_LABELS
from adience_lib.significance import LEVEL, MARGIN, Estimate, FoldMean, Resampled

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


@dataclass(frozen=True)
class Part:
    """One test of a claim: what was found in words, p-values for and against it.

    ``more``: how many times the subjects would decide it, where that can be told.
    """

    words: str
    p_for: float
    p_against: float
    more: float | None = None


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
        """A claim holds if every part does."""
        return max(part.p_for for part in self.parts)

    @property
    def p_against(self) -> float:
        """It fails if any part does: the smallest p-value, times their number."""
        return min(1.0, len(self.parts) * min(part.p_against for part in self.parts))


def verdicts(found: Found) -> pd.DataFrame:
    """A row a claim, indexed by number: ``claim``, ``place``, ``criterion``, ``verdict``, ``why``,
    and the corrected p-values ``p for`` and ``p against`` (NaN where nothing could be tested).

    A missing run, or runs that cannot be compared, leave their claim undecided and say why.
    """
    gathered = {claim.number: _gather(_TESTS[claim.number], found) for claim in paper.CLAIMS}
    tested = [number for number, evidence in gathered.items() if evidence.parts]
    p_for = dict(zip(tested, significance.holm([gathered[n].p_for for n in tested]), strict=True))
    p_against = dict(
        zip(tested, significance.holm([gathered[n].p_against for n in tested]), strict=True)
    )
    rows = []
    for claim in paper.CLAIMS:
        number, evidence = claim.number, gathered[claim.number]
        verdict = _verdict(evidence, p_for.get(number), p_against.get(number), found.is_demo)
        rows.append(
            {
                "number": number,
                "claim": claim.words,
                "place": claim.place,
                "criterion": claim.criterion,
                "verdict": verdict,
                "why": _why(evidence, verdict, found.is_demo),
                "p for": p_for.get(number, np.nan),
                "p against": p_against.get(number, np.nan),
            }
        )
    return pd.DataFrame(rows).set_index("number")


def _gather(test: Callable[[Found], Evidence], found: Found) -> Evidence:
    try:
        return test(found)
    except AdienceError as error:
        return Evidence(doubt=str(error))


def _verdict(
    evidence: Evidence, p_for: float | None, p_against: float | None, is_demo: bool
) -> str:
    if is_demo or evidence.doubt or p_for is None or p_against is None:
        return UNDECIDED
    if p_for <= LEVEL:
        return UNDECIDED if evidence.idle else SUPPORTED
    return CONTRADICTED if p_against <= LEVEL else UNDECIDED


def _why(evidence: Evidence, verdict: str, is_demo: bool) -> str:
    words = [part.words for part in evidence.parts]
    words += [reason for reason in (evidence.doubt, evidence.idle) if reason]
    if is_demo:
        words.append("drawn faces decide nothing")
    elif verdict == UNDECIDED and not evidence.doubt and not evidence.idle:
        words += [f"to decide it: {_times(part.more)}" for part in evidence.parts if part.more]
    return "; ".join(words)


def _times(more: float) -> str:
    if more > 100:
        return "more than 100 times the subjects, if the difference stays as it is"
    if more <= 1:
        return "the subjects suffice for the bootstrap, the folds for the t-test do not"
    return f"about {more:.1f} times the subjects, if the difference stays as it is"


def paired_difference(one: Runs, other: Runs, task: str) -> tuple[Resampled, np.ndarray]:
    """``one`` minus ``other`` in points, from the same test faces: over subjects, and each fold's.

    Only folds that both have are taken. Raises AdienceError: runs of other datasets or samples,
    or without a common fold.
    """
    both = _same_faces(one, other)
    hits = [100.0 * evaluation.correct(table, task) for table in both]
    difference = hits[0] - hits[1]
    resampled = significance.resample(difference, both[0]["subject"])
    by_fold = pd.Series(difference).groupby(both[0]["fold"].to_numpy()).mean()
    return resampled, by_fold.to_numpy()


def _same_faces(one: Runs, other: Runs) -> tuple[pd.DataFrame, pd.DataFrame]:
    if one.fingerprint != other.fingerprint:
        raise AdienceError(f"{one.title} and {other.title} were run on different datasets")
    if one.protocol.faces != other.protocol.faces or one.protocol.seed != other.protocol.seed:
        raise AdienceError(f"{one.title} and {other.title} were run on different samples")
    folds = set(one.folds) & set(other.folds)
    if not folds:
        raise AdienceError(
            f"{one.title} tested folds {one.folds}, {other.title} {other.folds}: none in common"
        )
    first, second = (
        runs.on_folds(folds).predictions.sort_values(["fold", "face"], ignore_index=True)
        for runs in (one, other)
    )
    labels = ["fold", "face", "subject", "gender", "age"]
    if not first[labels].equals(second[labels]):
        raise AdienceError(f"{one.title} and {other.title} tested other faces on the same folds")
    return first, second


def _compared(
    one: Runs,
    other: Runs,
    task: str,
    test: Callable[[Estimate], tuple[float, float]],
    thresholds: Iterable[float],
) -> Part:
    """Both tests of a difference; the larger p of the two counts."""
    resampled, by_fold = paired_difference(one, other, task)
    low, high = resampled.interval
    words = (
        f"{task}: {one.title} minus {other.title} {resampled.value:+.1f} points "
        f"[{low:+.1f}, {high:+.1f}]"
    )
    if len(by_fold) < 2:
        return Part(f"{words}, one fold only, over which no t-test is possible", 1, 1)
    over_folds = significance.over_folds(by_fold)
    p_values = zip(test(resampled), test(over_folds), strict=True)
    p_for, p_against = (max(pair) for pair in p_values)
    distance = min(abs(resampled.value - threshold) for threshold in thresholds)
    more = significance.needed(resampled, distance, len(paper.CLAIMS))
    return Part(words + _power(over_folds, test), p_for, p_against, more)


def _power(over_folds: FoldMean, test: Callable[[Estimate], tuple[float, float]]) -> str:
    if test is not significance.equal:
        return ""
    power = over_folds.power(MARGIN)
    return (
        f" (the t-test over {over_folds.folds} folds would see equal ones as equal in {power:.0%})"
    )


def _equal(one: Runs, other: Runs, task: str) -> Part:
    return _compared(one, other, task, significance.equal, [-MARGIN, MARGIN])


def _better(one: Runs, other: Runs, task: str) -> Part:
    return _compared(one, other, task, significance.greater, [0])


def _idle(found: Found, *runs_and_tasks: tuple[Runs, str]) -> str:
    """Which of the networks have not been shown to beat the most frequent label.

    Two networks that have learned nothing are equal, and that decides nothing.
    """
    idle = []
    for runs, task in runs_and_tasks:
        accuracy = quality.accuracy(runs, task)
        majority = evaluation.majority_rates(found.faces, runs.folds)[task]
        if accuracy.above(majority) > LEVEL:
            idle.append(f"{runs.title} on {task}")
    if not idle:
        return ""
    return f"not shown to beat the most frequent label: {', '.join(idle)}"


def _on_par(found: Found) -> Evidence:
    gender, age = found.main("gender"), found.main("age")
    baseline = {task: found.baseline(task) for task in ("gender", "age")}
    parts = [_equal(gender, baseline["gender"], "gender"), _equal(age, baseline["age"], "age")]
    pairs = [(gender, "gender"), (age, "age"), *((runs, task) for task, runs in baseline.items())]
    return Evidence(parts, idle=_idle(found, *pairs))


def _as_good_as_two(found: Found) -> Evidence:
    both = found.main("multitask")
    alone = {task: found.main(task) for task in ("gender", "age")}
    parts = [_equal(both, runs, task) for task, runs in alone.items()]
    pairs = [(runs, task) for task, one in alone.items() for runs in (one, both)]
    return Evidence(parts, idle=_idle(found, *pairs))


def _faster_than_two(found: Found) -> Evidence:
    networks = [found.main(name) for name in ("multitask", "gender", "age")]
    _same_machine(networks)
    folds = sorted(set.intersection(*(set(runs.folds) for runs in networks)))
    both, gender, age = (
        runs.records.set_index("fold").loc[folds, ["seconds", "epochs"]] for runs in networks
    )
    ratio = (both["seconds"] / (gender["seconds"] + age["seconds"])).to_numpy()
    words = (
        f"{np.exp(np.log(ratio).mean()):.2f} times the seconds of the two together (at "
        f"{both['epochs'].mean():.1f} epochs against {gender['epochs'].mean():.1f} and "
        f"{age['epochs'].mean():.1f})"
    )
    over_folds = significance.over_folds(np.log(ratio))
    part = Part(words, *reversed(significance.greater(over_folds, np.log(paper.DRASTIC))))
    return Evidence([part], _limited(networks))


def _same_machine(networks: list[Runs]) -> None:
    machines = {machine for runs in networks for machine in runs.records["machine"]}
    if len(machines) > 1:
        raise AdienceError(f"timed on different machines: {'; '.join(sorted(machines))}")


def _limited(networks: list[Runs]) -> str:
    """Where the limit of epochs ends a training, when it would have stopped is not known."""
    cut = [f"{runs.cut_short} of {runs.title}" for runs in networks if runs.cut_short]
    if not cut:
        return ""
    return f"trainings ended by the limit of epochs, not by early stopping: {', '.join(cut)}"


def _transfer_beats(found: Found) -> Evidence:
    transfer = found.main("transfer")
    baseline = {task: found.baseline(task) for task in ("gender", "age")}
    parts = [
        _better(transfer, baseline["gender"], "gender"),
        _equal(transfer, baseline["age"], "age"),
    ]
    pairs = [(runs, task) for task, one in baseline.items() for runs in (one, transfer)]
    doubt = "" if transfer.protocol.weights != "random" else "nothing was transferred"
    return Evidence(parts, doubt, _idle(found, *pairs))


def _converges_soon(found: Found) -> Evidence:
    transfer = found.main("transfer")
    best = transfer.records["best_epoch"].to_numpy("float64")
    words = f"best epoch {', '.join(f'{epoch:.0f}' for epoch in best)}"
    over_folds = significance.over_folds(best)
    part = Part(words, *reversed(significance.greater(over_folds, paper.FEW_EPOCHS)))
    doubt = "" if transfer.protocol.monitor != "none" else "no epoch was chosen"
    return Evidence([part], doubt or _limited([transfer]))


def _nothing_shared(found: Found) -> Evidence:
    return Evidence([_readable(found, "age", "gender"), _readable(found, "gender", "age")])


def _readable(found: Found, task: str, trained_for: str) -> Part:
    """Whether ``task`` can be read off the trunk that was trained for the other task."""
    trained = found.readout(f"{task}_from_{trained_for}")
    controls = [found.readout(f"{task}_from_{control}") for control in ("untrained", "pixels")]
    parts = [
        _compared(
            trained,
            control,
            task,
            lambda difference: significance.greater(difference, MARGIN),
            [MARGIN],
        )
        for control in controls
    ]
    return Part(
        "; ".join(part.words for part in parts),
        p_for=min(1.0, len(parts) * min(part.p_against for part in parts)),
        p_against=max(part.p_for for part in parts),
        more=max(part.more or 1 for part in parts),
    )


def _costs_less(found: Found) -> Evidence:
    reduced, published = found.main("gender"), found.baseline_under_protocol("gender")
    _same_machine([reduced, published])
    if reduced.protocol != published.protocol:
        raise AdienceError("the two networks were not trained under the same protocol")
    counts = [_multiply_adds(runs.model) for runs in (reduced, published)]
    seconds = [_log_seconds_a_face(runs) for runs in (reduced, published)]
    if min(map(len, seconds)) < 2:
        raise AdienceError("too few epochs to compare the seconds")
    slower = stats.ttest_ind(*seconds, equal_var=False, alternative="greater").pvalue
    ratio = np.exp(seconds[0].mean() - seconds[1].mean())
    more_arithmetic = counts[0] >= counts[1]
    words = (
        f"{counts[0] / 1e6:.0f} million multiply-adds a face against {counts[1] / 1e6:.0f} as "
        f"published (the paper counts another network), {ratio:.2f} times its seconds a face"
    )
    p_for, p_against = (1.0, slower) if more_arithmetic else (1 - slower, 1.0)
    return Evidence([Part(words, float(p_for), float(p_against))])


def _multiply_adds(name: str) -> int:
    return int(models.architecture_table(models.build(name))["multiply_adds"].sum())


def _log_seconds_a_face(runs: Runs) -> pd.Series:
    """Of every epoch but each training's first, which also prepares the computation."""
    faces = runs.history["fold"].map(runs.records.set_index("fold")["train"])
    later = runs.history["epoch"] > 1
    return np.log(runs.history["seconds"] / faces)[later]


FAVOURITE = AGE_LABELS.index("(25, 32)")


def _best_at_25(found: Found) -> Evidence:
    runs = found.main("multitask")
    faces = runs.predictions
    hits = 100.0 * evaluation.correct(faces, "age")
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
        f"{100 * np.mean(evaluation.predicted(faces, 'age') == FAVOURITE):.0f} % of all faces are "
        f"given that age"
    )
    nearest = leads[others.index(best)]
    more = significance.needed(nearest, abs(nearest.value), len(paper.CLAIMS))
    return Evidence([Part(words, p_for, p_against, more)])


def _lead(one: Resampled, other: Resampled) -> Resampled:
    return Resampled(one.value - other.value, one.draws - other.draws, one.subjects)


def _ahead_of_all(*estimates: Sequence[Estimate]) -> tuple[float, float]:
    """p-values for and against "all leads are above zero", where each way of testing has its own.

    For: the worst of all. Against: some one lead is below zero, the best p-value times their
    number, since it was picked.
    """
    tests = [[significance.greater(lead) for lead in leads] for leads in estimates]
    agreed = [tuple(max(p) for p in zip(*pairs, strict=True)) for pairs in zip(*tests, strict=True)]
    p_for = max(for_ for for_, _ in agreed)
    return p_for, min(1.0, len(agreed) * min(against for _, against in agreed))


def _varies_over_folds(found: Found) -> Evidence:
    networks = {task: found.main(task) for task in ("gender", "age")}
    accuracies = {task: _fold_accuracies(runs, task) for task, runs in networks.items()}
    values = {task: np.array([fold.value for fold in folds]) for task, folds in accuracies.items()}
    draws = {task: np.array([fold.draws for fold in folds]) for task, folds in accuracies.items()}
    spreads = {task: np.std(values[task], ddof=1) for task in values}
    gap = Resampled(
        spreads["age"] - spreads["gender"],
        np.std(draws["age"], axis=0, ddof=1) - np.std(draws["gender"], axis=0, ddof=1),
        0,
    )
    pitman = stats.pearsonr(values["age"] + values["gender"], values["age"] - values["gender"])
    wider = float(stats.t.sf(*_correlation_t(pitman.statistic, len(values["age"]))))
    p_for, p_against = significance.greater(gap)
    parts = [
        Part(
            f"standard deviation {spreads['age']:.1f} points of age, {spreads['gender']:.1f} of "
            "gender",
            max(p_for, wider),
            max(p_against, 1 - wider),
        )
    ]
    for task, (first, *others) in accuracies.items():
        leads = [_lead(first, other) for other in others]
        least = min(lead.value for lead in leads)
        words = f"{task}: the first fold {least:+.1f} points above the highest other"
        parts.append(Part(words, *_ahead_of_all(leads)))
    doubt = "" if found.is_adience else "these folds are not Adience's: there is no first one"
    return Evidence(parts, doubt)


def _correlation_t(correlation: float, count: int) -> tuple[float, int]:
    """Pitman & Morgan: sum and difference correlate where one of the two varies more."""
    freedom = count - 2
    return correlation * np.sqrt(freedom / max(1 - correlation**2, 1e-12)), freedom


def _fold_accuracies(runs: Runs, task: str) -> list[Resampled]:
    if len(runs.folds) < FOLDS:
        raise AdienceError(f"{runs.title}: needs all five folds, has {runs.folds}")
    # Folds are drawn from independently, so each has a seed; both tasks share a fold's draws.
    return [
        quality.accuracy(runs.on_folds([fold]), task, significance.SEED + fold)
        for fold in runs.folds
    ]


_TESTS: dict[int, Callable[[Found], Evidence]] = {
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
