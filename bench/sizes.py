"""The sizes of comparisons: the model, the number of sentences, the size of batches."""

from __future__ import annotations

from dataclasses import asdict, dataclass

# The number of directions of config/demo.yaml and of the paper's lang12.
DIRECTIONS = 132


@dataclass(frozen=True)
class Size:
    """One size of the work.

    Attributes:
        name: The size's name. `embedded` has the demo's base model and corpus, the others are random.
        shape: The arguments of `models.random_model`; None for the demo's base model.
        directions: The number of directions to translate, spread evenly over sources and targets.
        rows: The number of sentences to translate in each direction.
        scale: The standard deviation of the adapter's B.
        decoding: The fields of `Decoding`.
        tokens_per_batch: The token budget of a training batch.
        batches_per_update: The number of batches in a training update.
        passes: The number of passes through the training examples.
        trained_directions: The number of directions that have one training batch each.
        sampled: The number of directions that one process each is timed on.
        lines: The number of sentences to score in each direction.
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
        """Returns the fields, for JSON."""
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
            # As in the demo.
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
            # Not the paper's 4,000, so that a run of all comparisons stays near half an hour.
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
