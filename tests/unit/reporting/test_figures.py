"""Figures are drawn from the right numbers, coloured as the paper's, and the same bytes every time."""

import numpy
import pandas
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from lslo.adapters.weight_matrices import MODULES
from lslo.reporting.figures import curves, demands, style
from lslo.reporting.figures import weights as weights_figures
from lslo.reporting.figures.drawing import draw_figure
from lslo.reporting.figures.style import CLASS_COLOURS, line_style
from lslo.reporting.subspace_demand import demand_per_size

CLASSES = {"fr": "H", "nl": "M", "ha": "L", "wo": "V"}
DEMANDS = {"fr": -0.2, "nl": -0.1, "ha": 0.1, "wo": 0.4}
PRUNED_RATIO = 0.7


def estimates(layers=2, languages=CLASSES):
    """A demand per size of DEMANDS + 0.01 · layer + 0.1 for fc1; fc1 is four times as large as the others."""
    rows = []
    for side, modules in MODULES.items():
        for layer in range(1, layers + 1):
            for module in modules:
                for language in languages:
                    size = 4000 if module == "fc1" else 1000
                    demand = DEMANDS[language] + 0.01 * layer + 0.1 * (module == "fc1")
                    score = -demand * size
                    rows.append((side, layer, module, language, size, score + PRUNED_RATIO * size, score))
    columns = ["side", "layer", "module", "language", "size", "pruned", "score"]
    return pandas.DataFrame(rows, columns=columns).sample(frac=1, random_state=1)


def weights(layers=3):
    rows = [("decoder", layer, 0.1, 0.9) for layer in range(layers, 0, -1)]
    rows += [("encoder", layer, 1 - layer / 4, layer / 4) for layer in range(1, layers + 1)]
    return pandas.DataFrame(rows, columns=["side", "layer", "source_weight", "target_weight"])


def epoch_scores(slope, offset=0.0):
    """H2H falls and V2V rises by `slope` an epoch."""
    rows = []
    for epoch in range(4):
        rows.append((epoch, "fr", "de", 30 - slope * epoch + offset, 50.0))
        rows.append((epoch, "de", "fr", 32 - slope * epoch + offset, 52.0))
        rows.append((epoch, "wo", "or", 1 + slope * epoch + offset, 20.0))
    return pandas.DataFrame(rows, columns=["epoch", "source", "target", "spbleu", "chrf"])


EPOCH_CLASSES = {"fr": "H", "de": "H", "wo": "V", "or": "V"}

DRAWN = {
    "figure1": lambda: weights_figures.learned_weights_figure(weights()),
    "figure2": lambda: demands.language_demand_figure(estimates(), CLASSES),
    "figure3": lambda: curves.epoch_figure({"Ft-all": [epoch_scores(1)]}, EPOCH_CLASSES),
    "figure4": lambda: demands.layer_demand_figure(estimates()),
    "figure5": lambda: demands.layerwise_demand_figure(estimates(), CLASSES),
    "figure6": lambda: demands.languagewise_demand_figure(estimates(), CLASSES),
}


def heatmaps(figure):
    """Axes with cells, without the colour bar."""
    return [axes for axes in figure.axes if axes.collections and axes.yaxis_inverted()]


def cells(axes):
    return axes.collections[0].get_array().reshape(len(axes.get_yticks()), -1)


def labels(ticks):
    return [tick.get_text() for tick in ticks]


def test_demand_is_the_negated_score_by_size():
    frame = demand_per_size(estimates())
    row = frame[(frame["module"] == "fc1") & (frame["language"] == "wo") & (frame["layer"] == 2)].iloc[0]
    assert row["demand"] == pytest.approx(0.4 + 0.02 + 0.1)
    # Equation 5 the other way round: kept share = 1 - pruned / size = (1 - P) + demand.
    assert 1 - row["pruned"] / row["size"] == pytest.approx(1 - PRUNED_RATIO + row["demand"])
    with pytest.raises(ValueError, match="no column score"):
        demand_per_size(estimates().drop(columns="score"))
    with pytest.raises(ValueError, match="no parameters"):
        demand_per_size(estimates().assign(size=0))


@pytest.mark.parametrize("name", DRAWN)
def test_files_are_the_same_bytes_every_time(name, tmp_path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        paths = [tmp_path / folder / f"{name}.{suffix}" for suffix in ("pdf", "png", "csv")]
        style.save_figure(*DRAWN[name](), *paths)
    for suffix in ("pdf", "png", "csv"):
        first = (tmp_path / "first" / f"{name}.{suffix}").read_bytes()
        assert first == (tmp_path / "second" / f"{name}.{suffix}").read_bytes()
        assert b"CreationDate" not in first
    assert (tmp_path / "first" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("number", range(1, 7))
def test_a_figure_is_drawn_by_its_number(number, tmp_path):
    data, scores = tmp_path / "data.csv", tmp_path / "epoch_scores.csv"
    (weights() if number == 1 else estimates()).to_csv(data, index=False)
    epoch_scores(1).to_csv(scores, index=False)
    classes = EPOCH_CLASSES if number == 3 else CLASSES
    _, found = draw_figure(number, data, {"Ft-all": [scores]} if number == 3 else {}, classes)
    _, expected = DRAWN[f"figure{number}"]()
    pandas.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_is_cut_off_or_hides_another(name):
    figure, _ = DRAWN[name]()
    FigureCanvasAgg(figure).draw()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = []
    for axes in figure.axes:
        texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            # A tick outside the view has a label that is never drawn.
            texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes += [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
    boxes += [text.get_window_extent() for text in figure.texts]
    for box in boxes:
        assert box.x0 >= -0.5
        assert box.y0 >= -0.5
        assert box.x1 <= width + 0.5
        assert box.y1 <= height + 0.5
    for number, box in enumerate(boxes):
        # A point of overlap may be the air around letters.
        inner = box.padded(-1)
        assert not any(inner.overlaps(other.padded(-1)) for other in boxes[number + 1 :])


@pytest.mark.parametrize("name", ["figure2", "figure4", "figure5", "figure6"])
def test_colours_are_centred_on_no_demand(name):
    figure, data = DRAWN[name]()
    panels = heatmaps(figure)
    for axes in panels:
        mesh = axes.collections[0]
        assert mesh.norm.vmin == -mesh.norm.vmax
        assert mesh.norm.vmax == pytest.approx(data["demand"].abs().max())
        low, middle, high = (mesh.cmap(mesh.norm(value)) for value in (-mesh.norm.vmax, 0.0, mesh.norm.vmax))
        assert min(middle[:3]) > 0.95  # white
        assert low[2] > low[0]  # blue
        assert high[0] > high[2]  # red
    (bar,) = [axes for axes in figure.axes if "Demand" in axes.get_xlabel()]
    assert bar not in panels


def test_figure2_cells_are_the_means_over_layers():
    figure, data = DRAWN["figure2"]()
    encoder, decoder = heatmaps(figure)
    assert labels(encoder.get_yticklabels()) == list(CLASSES)
    assert labels(encoder.get_xticklabels()) == ["q", "k", "v", "fc1", "fc2"]
    assert labels(decoder.get_xticklabels()) == ["q", "k", "v", "c-q", "c-k", "c-v", "fc1", "fc2"]
    # Layers 1 and 2 average to 0.015; fc1 has 0.1 more.
    expected = numpy.array(list(DEMANDS.values()))[:, None] + 0.015 + 0.1 * numpy.array([0, 0, 0, 1, 0])
    numpy.testing.assert_allclose(cells(encoder), expected)
    assert len(data) == (5 + 8) * 4


@pytest.mark.parametrize("name", ["figure2", "figure5"])
def test_language_labels_have_their_class_colour(name):
    figure, _ = DRAWN[name]()
    labelled = [axes for axes in heatmaps(figure) if any(labels(axes.get_yticklabels()))]
    assert labelled
    for axes in labelled:
        for label in axes.get_yticklabels():
            assert to_hex(label.get_color()) == CLASS_COLOURS[CLASSES[label.get_text()]]
    assert len(set(CLASS_COLOURS.values())) == 4


def test_class_colours_are_the_papers():
    def rgb(name):
        return [int(CLASS_COLOURS[name][i : i + 2], 16) for i in (1, 3, 5)]

    assert numpy.argmax(rgb("H")) == 1  # green
    assert numpy.argmax(rgb("M")) == 2  # blue
    assert numpy.argmax(rgb("V")) == 0  # red


def test_figure4_has_the_top_layer_on_top():
    figure, data = DRAWN["figure4"]()
    encoder, _ = heatmaps(figure)
    assert labels(encoder.get_yticklabels()) == ["2", "1"]
    top, bottom = cells(encoder)
    numpy.testing.assert_allclose(top - bottom, 0.01)
    mean = sum(DEMANDS.values()) / 4
    fc1 = data[(data["module"] == "fc1") & (data["layer"] == 1)]
    numpy.testing.assert_allclose(fc1["demand"], mean + 0.01 + 0.1)


@pytest.mark.parametrize("layers", [3, 12])
def test_figure5_has_a_panel_a_layer_and_fits_a_page(layers):
    figure, data = demands.layerwise_demand_figure(estimates(layers), CLASSES)
    panels = heatmaps(figure)
    assert [axes.get_title() for axes in panels] == [f"Layer {n}" for n in range(1, layers + 1)] * 2
    assert len(data) == layers * 13 * 4
    assert figure.get_figheight() <= 9.2
    numpy.testing.assert_allclose(cells(panels[2])[:, 0], numpy.array(list(DEMANDS.values())) + 0.03)


def test_figure6_has_a_coloured_panel_a_language():
    figure, _ = DRAWN["figure6"]()
    panels = heatmaps(figure)
    assert [axes.get_title() for axes in panels] == list(CLASSES) * 2
    for axes in panels:
        assert to_hex(axes.title.get_color()) == CLASS_COLOURS[CLASSES[axes.get_title()]]
    assert cells(panels[3])[0, 0] == pytest.approx(0.4 + 0.02)


def test_a_language_without_a_class_is_refused():
    fewer = {language: name for language, name in CLASSES.items() if language != "ha"}
    with pytest.raises(ValueError, match="demands of ha"):
        demands.language_demand_figure(estimates(), fewer)


def test_a_demand_of_nothing_can_be_drawn():
    figure, _ = demands.language_demand_figure(estimates().assign(score=0.0), CLASSES)
    assert heatmaps(figure)[0].collections[0].norm.vmax == 1.0


def test_figure1_draws_the_weights_layer_by_layer():
    figure, data = DRAWN["figure1"]()
    (axes,) = figure.axes
    assert list(data["side"]) == ["encoder"] * 3 + ["decoder"] * 3
    assert list(data["layer"]) == [1, 2, 3, 1, 2, 3]
    curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
    source, target = curves[:2]
    numpy.testing.assert_allclose(source.get_ydata(), [0.75, 0.5, 0.25])
    numpy.testing.assert_allclose(target.get_ydata(), [0.25, 0.5, 0.75])
    numpy.testing.assert_allclose(curves[2].get_ydata(), 0.1)
    assert list(curves[2].get_xdata()) == [3, 4, 5]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"source (src)", "target (tgt)"}
    with pytest.raises(ValueError, match="'embedding'"):
        weights_figures.learned_weights_figure(weights().replace("decoder", "embedding"))


def test_figure3_is_the_mean_over_directions_and_seeds():
    scores = {"Ft-all": [epoch_scores(1)], "8;8;8+WL": [epoch_scores(2), epoch_scores(2, offset=0.5)]}
    figure, data = curves.epoch_figure(scores, EPOCH_CLASSES)
    high, very_low = figure.axes
    assert (high.get_title(), very_low.get_title()) == ("(a) H2H", "(b) V2V")
    lines = {line.get_label(): line for line in high.lines}
    assert list(lines) == ["Pretrain", "Ft-all", "8;8;8+WL"]
    numpy.testing.assert_allclose(lines["Ft-all"].get_ydata(), [31, 30, 29, 28])
    numpy.testing.assert_allclose(lines["8;8;8+WL"].get_ydata(), [31.25, 29.25, 27.25, 25.25])
    (band,) = high.collections
    assert band.get_datalim(high.transData).height == pytest.approx(31.5 - 25)
    row = data[(data["setting"] == "8;8;8+WL") & (data["column"] == "V2V") & (data["epoch"] == 3)].iloc[0]
    assert (row["lowest"], row["mean"], row["highest"]) == (7.0, 7.25, 7.5)
    with pytest.raises(ValueError, match="Ft-all: no epoch scores of M2M"):
        curves.epoch_figure(scores, EPOCH_CLASSES, columns=("M2M",))
    with pytest.raises(ValueError, match="at least one setting"):
        curves.epoch_figure({}, EPOCH_CLASSES)


def test_lines_differ_in_more_than_colour():
    styles = [line_style(number) for number in range(63)]
    assert len({tuple(style.items()) for style in styles}) == 63
    assert len({style["marker"] for style in styles[:9]}) == 9
