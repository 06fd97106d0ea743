"""Scores whose means by class pair are known."""

import pandas

from lslo.scoring.class_means import class_pairs

CLASSES = {"en": "H", "fr": "H", "nl": "M", "ko": "M", "or": "V", "wo": "V", "sd": "V"}
SIZES = {"H": 2, "M": 2, "V": 3}


def scores_of(pair_values, classes=None, signature="tok:test"):
    """Scores whose every direction has its class pair's value."""
    classes = classes or CLASSES
    rows = []
    for source in classes:
        for target in classes:
            if source != target:
                value = pair_values[f"{classes[source]}2{classes[target]}"]
                rows.append((source, target, value, value + 20, signature, f"chrf:{signature}"))
    columns = ["source", "target", "spbleu", "chrf", "spbleu_signature", "chrf_signature"]
    return pandas.DataFrame(rows, columns=columns)


def numbered(start):
    """A different value for each class pair: start, start + 1, …"""
    return {pair: start + number for number, pair in enumerate(class_pairs(CLASSES))}


def direction_counts(sizes):
    """How many directions each class pair has: |H|·|M| in H2M, |H|·(|H|-1) in H2H."""
    return {
        f"{source}2{target}": size * (sizes[target] - (source == target))
        for source, size in sizes.items()
        for target in sizes
    }


def mean_over_directions(pair_values, sizes=SIZES):
    """AVG from the means by class pair: each weighs as many directions as it averages."""
    counts = direction_counts(sizes)
    return sum(pair_values[pair] * count for pair, count in counts.items() if count) / sum(counts.values())
