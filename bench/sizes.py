"""The sizes that comparisons come in: which model, how many sentences, how large the batches."""

from __future__ import annotations

from dataclasses import asdict, dataclass

# As many as config/demo.yaml and the paper's lang12 have.
DIRECTIONS = 132


@dataclass(frozen=True)
class Size:
    """One size of the work.

    name: `embedded` has the embedded base model and corpus, the others are random. shape: arguments of
    `models.random_model`. directions: that are translated, spread evenly over sources and targets. rows:
    sentences of each. scale: standard deviation of the adapter's B. decoding: fields of
    `Decoding`. tokens_per_batch, batches_per_update: of training. passes: how often the
    training examples are gone through. trained_directions: that have a batch among them. sampled:
    directions that one process each is timed on. lines: sentences of each direction to score.
    """

    name: str
    shape: dict[str, int] | None
    directions: int
    rows: int
    scale: float
    decoding: dict[str, float]
    tokens_per_batch: int
    batches_per_update: int = 4
    passes: int = 1
    trained_directions: int = 12
    sampled: int = 6
    # Half of FLORES-101's devtest.
    lines: int = 506

    def as_dictionary(self) -> dict:
        """For JSON."""
        return asdict(self)


def _random_shape(pieces: int, dimension: int, layers: int, heads: int) -> dict[str, int]:
    return {
        "pieces": pieces,
        "dimension": dimension,
        "feed_forward": 4 * dimension,
        "layers": layers,
        "heads": heads,
    }


SIZES = {
    size.name: size
    for size in (
        Size(
            "embedded",
            None,
            directions=DIRECTIONS,
            rows=24,
            scale=0.05,
            # The demo's.
            decoding={"beam": 5, "maximum_length": 100, "tokens_per_batch": 20000},
            tokens_per_batch=1000,
            passes=4,
        ),
        Size(
            "middle",
            _random_shape(32_000, 512, layers=6, heads=8),
            directions=12,
            rows=8,
            scale=0.05,
            decoding={"beam": 5, "maximum_length": 100, "tokens_per_batch": 16000},
            # So that a run of all comparisons stays near half an hour; the paper's are of 4,000.
            tokens_per_batch=1000,
            passes=2,
            trained_directions=4,
        ),
        Size(
            "m2m124",
            _random_shape(256_000, 1024, layers=12, heads=16),
            directions=12,
            rows=2,
            scale=0.05,
            decoding={"beam": 5, "maximum_length": 100, "tokens_per_batch": 16000},
            tokens_per_batch=500,
            batches_per_update=2,
            trained_directions=4,
            sampled=2,
        ),
    )
}
