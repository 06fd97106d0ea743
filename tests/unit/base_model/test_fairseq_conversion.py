"""Models converted from fairseq compute what fairseq computed; what would not is refused in one line.

The comparison uses a tiny model that fairseq trained, and what fairseq computed with it. The other tests
write archives of each style themselves.
"""

import argparse
import json
import os
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import sentencepiece
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, M2M100ForConditionalGeneration

from fairseq_archive import checkpoint_of
from lslo.base_model.fairseq_conversion import convert_fairseq, convert_fairseq_archive, read_checkpoint
from lslo.base_model.loading import load_base_model
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Decoding
from lslo.training.batches import collate
from lslo.training.loss import smoothed_cross_entropy
from lslo.translation.beam_search import beam_search
from lslo.translation.translate import translate

FIXTURE = Path(__file__).parents[2] / "data/fairseq_m2m_tiny"
LANGUAGES = ["en", "de", "or", "kam", "umb"]  # M2M100Tokenizer lacks the last two.


@pytest.fixture(scope="module")
def fairseq(tmp_path_factory):
    """The fixture's folder of converted files, and what fairseq computed: JSON and arrays."""
    folder = tmp_path_factory.mktemp("fairseq")
    with tarfile.open(FIXTURE / "flores101_mm100_tiny.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    convert_fairseq(folder / "flores101_mm100_615M", folder / "converted")
    reference = json.loads((FIXTURE / "reference.json").read_text(encoding="utf-8"))
    return folder / "converted", reference, np.load(FIXTURE / "reference.npz")


def test_the_fixture_keeps_its_dtype(fairseq):
    folder, reference, _ = fairseq
    assert {tensor.dtype for tensor in load_file(folder / "model.safetensors").values()} == {torch.float16}
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float16"
    assert load_base_model(folder).config.vocab_size == reference["meta"]["vocab_size"]


def test_ids_and_language_tokens_are_fairseqs(fairseq):
    folder, reference, _ = fairseq
    tokenizer = Tokenizer(folder)
    meta = reference["meta"]
    assert {code: tokenizer.language_token(code) for code in meta["langs_in_order"]} == meta["lang_token_ids"]
    for row in reference["sentences"]:
        source, target = row["direction"].split("-")
        (x,), (y,) = tokenizer.encode([row["src_text"]]), tokenizer.encode([row["tgt_text"]])
        assert [tokenizer.language_token(source), *x, 2] == row["src_ids"]
        assert [2, tokenizer.language_token(target), *y] == row["prev_output_ids"]
        assert [tokenizer.language_token(target), *y, 2] == row["target_ids"]


@pytest.mark.parametrize("direction", ["en-fr", "wo-fr"])
@torch.inference_mode()
def test_logits_and_losses_are_fairseqs(fairseq, direction):
    folder, _, arrays = fairseq
    model = load_base_model(folder)
    source, target = (
        torch.from_numpy(arrays[f"{direction}.{name}"]) for name in ("src_tokens_rpad", "target")
    )
    output = model(
        input_ids=source,
        attention_mask=source.ne(1).long(),
        decoder_input_ids=torch.from_numpy(arrays[f"{direction}.prev_output_tokens"]),
    )
    kept = target.ne(1)
    states = torch.from_numpy(arrays[f"{direction}.encoder_out_rpad"])[source.ne(1)]
    torch.testing.assert_close(output.encoder_last_hidden_state[source.ne(1)], states, rtol=0, atol=1e-5)
    logits = torch.from_numpy(arrays[f"{direction}.logits"])[kept]
    torch.testing.assert_close(output.logits[kept], logits, rtol=0, atol=1e-5)
    loss, nll = smoothed_cross_entropy(output.logits[kept], target[kept], 0.2)
    assert loss.item() == pytest.approx(float(arrays[f"{direction}.loss_sum"]), rel=1e-6)
    assert nll.item() == pytest.approx(float(arrays[f"{direction}.nll_sum"]), rel=1e-6)
    assert int(kept.sum()) == int(arrays[f"{direction}.ntokens"])


@pytest.mark.parametrize("together", [True, False])
def test_best_beams_scores_and_texts_are_fairseqs(fairseq, together):
    folder, reference, _ = fairseq
    model, tokenizer = load_base_model(folder), Tokenizer(folder)
    rows = reference["sentences"]
    for group in [rows] if together else [[row] for row in rows]:
        longest = max(len(row["src_ids"]) for row in group)
        source = torch.tensor([row["src_ids"] + [1] * (longest - len(row["src_ids"])) for row in group])
        targets = torch.tensor([row["target_ids"][0] for row in group])
        found = beam_search(model, source, targets, Decoding(beam=5))
        best = [row["beams"][0] for row in group]
        assert found.tokens == [beam["tokens"] for beam in best]
        assert found.scores == pytest.approx([beam["score"] for beam in best], abs=1e-5)
    for beam in (beam for row in rows for beam in row["beams"]):
        assert tokenizer.decode([beam["tokens"][1:]]) == [beam["text"]]
    sources = {
        code: [row["src_text"] for row in rows if row["direction"].startswith(code)] for code in ("en", "wo")
    }
    hypotheses = translate(model, tokenizer, sources, [("en", "fr"), ("wo", "fr")], Decoding(beam=5))
    for (source, target), texts in hypotheses.items():
        expected = [row["beams"][0]["text"] for row in rows if row["direction"] == f"{source}-{target}"]
        assert texts == expected


@pytest.fixture
def write_archive(tmp_path, tokenizer_folder, small_model):
    """A function that writes an archive's folder; returns it with the model it was made of.

    tokens_in_dictionary: whether dict.txt has the language tokens. change: of the checkpoint before it is
    saved. The model has as many rows as the dictionary and the missing tokens ask for.
    """

    def write(*, tokens_in_dictionary=True, change=lambda state: None, half=False, style="args", **options):
        folder = tmp_path / "archive"
        folder.mkdir()
        spm = (tokenizer_folder / "sentencepiece.bpe.model").read_bytes()
        (folder / "sentencepiece.bpe.model").write_bytes(spm)
        processor = sentencepiece.SentencePieceProcessor(model_proto=spm)
        pieces = [processor.id_to_piece(index) for index in range(3, processor.get_piece_size())]
        # Not in SentencePiece's order, and without one of its pieces.
        symbols = [piece for piece in reversed(pieces) if piece != "x"]
        symbols += [f"__{code}__" for code in reversed(LANGUAGES)] if tokens_in_dictionary else []
        symbols += ["madeupword0000"]
        (folder / "dict.txt").write_text("".join(f"{symbol} 1\n" for symbol in symbols), encoding="utf-8")
        pairs = ",".join(f"en-{code},{code}-en" for code in LANGUAGES[1:])
        (folder / "language_pairs.txt").write_text(pairs + "\n")
        rows = 4 + len(symbols) + (0 if tokens_in_dictionary else len(LANGUAGES))
        model = small_model(vocabulary=rows)
        if half:
            model = model.half()
        state = checkpoint_of(model, style, **options)
        change(state)
        torch.save(state, folder / "model.pt")
        return folder, model

    return write


def refusal(folder, *parts):
    """Check that the folder is refused in one line that has all of `parts`, and nothing is written."""
    output = folder.parent / "converted"
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        convert_fairseq(folder, output)
    message = str(error.value)
    assert "\n" not in message
    assert str(folder) in message
    for part in parts:
        assert part in message
    assert not output.exists()


@pytest.mark.parametrize("style", ["args", "cfg of Namespaces", "cfg of dicts"])
def test_every_style_of_checkpoint_gives_the_same_model(write_archive, tmp_path, style):
    _, model = write_archive(style=style)
    convert_fairseq_archive(tmp_path, tmp_path / "converted")
    converted = load_base_model(tmp_path / "converted")
    expected = dict(model.named_parameters())
    assert expected.keys() == dict(converted.named_parameters()).keys()
    for name, parameter in converted.named_parameters():
        assert torch.equal(parameter, expected[name]), name
    source = torch.tensor([[4, 12, 13, 2]])
    torch.testing.assert_close(
        converted(input_ids=source, decoder_input_ids=source).logits,
        model(input_ids=source, decoder_input_ids=source).logits,
    )
    assert sorted(path.name for path in (tmp_path / "converted").iterdir()) == [
        "config.json",
        "dict.txt",
        "generation_config.json",
        "language_tokens.json",
        "model.safetensors",
        "sentencepiece.bpe.model",
    ]


@pytest.mark.parametrize("number", [0, 2])
def test_an_archive_without_a_model_or_with_two_is_refused(tmp_path, number):
    for folder in map(str, range(number)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.pt").write_text("")
    with pytest.raises(ValueError, match=f"^{tmp_path}: holds {number} files named model.pt, one is wanted"):
        convert_fairseq_archive(tmp_path, tmp_path / "converted")


def test_half_precision_stays_and_the_optimizer_state_goes(write_archive, tmp_path):
    def with_optimizer_state(state):
        state["last_optimizer_state"] = {"state": {0: {"exp_avg": torch.zeros(500_000)}}, "loss_scale": 128.0}
        state["extra_state"] = {"train_iterator": {"epoch": 3}, "val_loss": None}

    folder, model = write_archive(half=True, change=with_optimizer_state)
    assert (folder / "model.pt").stat().st_size > 2_000_000
    convert_fairseq(folder, tmp_path / "converted")
    weights = tmp_path / "converted/model.safetensors"
    assert weights.stat().st_size < 200_000
    tensors = load_file(weights)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert torch.equal(tensors["model.shared.weight"], model.model.shared.weight)
    assert load_base_model(tmp_path / "converted").dtype == torch.float32
    kept = M2M100ForConditionalGeneration.from_pretrained(tmp_path / "converted")
    assert kept.dtype == torch.float16


def test_a_checkpoint_that_is_no_zip_archive_is_read_too(write_archive, tmp_path):
    folder, model = write_archive()
    torch.save(checkpoint_of(model), folder / "model.pt", _use_new_zipfile_serialization=False)
    convert_fairseq(folder, tmp_path / "converted")
    converted = load_base_model(tmp_path / "converted")
    assert torch.equal(converted.model.shared.weight, model.model.shared.weight)


def test_options_become_the_configuration(write_archive, tmp_path):
    folder, _ = write_archive(
        no_scale_embedding=True, dropout=0.3, encoder_layerdrop=0.05, max_source_positions=512
    )
    convert_fairseq(folder, tmp_path / "converted")
    configuration = load_base_model(tmp_path / "converted").config
    assert not configuration.scale_embedding
    assert (configuration.encoder_layers, configuration.decoder_layers) == (2, 3)
    assert configuration.dropout == 0.3
    assert (configuration.encoder_layerdrop, configuration.decoder_layerdrop) == (0.05, 0.0)
    assert configuration.max_position_embeddings == 1024
    assert (configuration.bos_token_id, configuration.pad_token_id, configuration.eos_token_id) == (0, 1, 2)
    assert configuration.decoder_start_token_id == 2


def test_old_positions_and_a_missing_tied_projection_are_fine(write_archive, tmp_path):
    def before_2020(state):
        del state["model"]["decoder.output_projection.weight"]
        state["model"]["encoder.embed_positions.weights"] = torch.zeros(5, 16)

    folder, model = write_archive(change=before_2020)
    convert_fairseq(folder, tmp_path / "converted")
    converted = load_base_model(tmp_path / "converted")
    assert torch.equal(converted.lm_head.weight, model.model.shared.weight)


def test_the_dictionary_gives_ids_and_what_it_lacks_is_unknown(write_archive, tmp_path, sentences):
    folder, model = write_archive()
    convert_fairseq(folder, tmp_path / "converted")
    tokenizer = Tokenizer(tmp_path / "converted")
    symbols = [line.rsplit(" ", 1)[0] for line in (folder / "dict.txt").read_text("utf-8").splitlines()]
    assert {code: tokenizer.language_token(code) for code in LANGUAGES} == {
        code: 4 + symbols.index(f"__{code}__") for code in LANGUAGES
    }
    for lines in sentences.values():
        assert tokenizer.decode(tokenizer.encode(lines)) == lines
    assert tokenizer.unknown in tokenizer.encode(["x"])[0]
    assert tokenizer.decode([[3, 2]]) == ["<unk>"]
    hypotheses = translate(
        load_base_model(tmp_path / "converted"),
        tokenizer,
        {"en": sentences["en"]},
        [("en", "umb")],
        Decoding(beam=2, maximum_length=5),
    )
    assert len(hypotheses["en", "umb"]) == 3
    assert model.config.vocab_size == 4 + len(symbols)


def test_language_tokens_are_appended_in_the_order_of_langs_or_sorted(write_archive, tmp_path):
    order = ["umb", "en", "or", "kam", "de"]
    folder, model = write_archive(tokens_in_dictionary=False, langs=order)
    first = model.config.vocab_size - len(order)

    def tokens():
        convert_fairseq(folder, tmp_path / "converted")
        tokenizer = Tokenizer(tmp_path / "converted")
        return {tokenizer.language_token(code) - first: code for code in LANGUAGES}

    assert tokens() == dict(enumerate(order))
    torch.save(checkpoint_of(model, "cfg of Namespaces", langs=",".join(order)), folder / "model.pt")
    assert tokens() == dict(enumerate(order))
    torch.save(checkpoint_of(model, langs=None), folder / "model.pt")
    assert tokens() == dict(enumerate(sorted(order)))
    torch.save(checkpoint_of(model, lang_dict="/data/langs.txt"), folder / "model.pt")
    with pytest.raises(ValueError, match="--lang-dict"):
        convert_fairseq(folder, tmp_path / "converted")


class Evil:
    """Runs a command when it is unpickled in the ordinary way."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_refused_and_not_run(write_archive, tmp_path, zipped):
    folder, model = write_archive()
    marker = tmp_path / "was_run"
    state = checkpoint_of(model) | {"extra_state": Evil(marker)}
    torch.save(state, folder / "model.pt", _use_new_zipfile_serialization=zipped)
    refusal(folder, "model.pt", "system", "could run any code")
    assert not marker.exists()
    torch.load(folder / "model.pt", weights_only=False)
    assert marker.exists()  # so it was a pickle that runs


def test_an_unknown_class_is_refused_by_name(write_archive):
    folder, _ = write_archive(change=lambda state: state.update(task_state=tarfile.TarInfo("x")))
    refusal(folder, "tarfile.TarInfo")


def test_omegaconf_is_asked_for_where_it_is_missing(write_archive, monkeypatch):
    module = ModuleType("omegaconf.dictconfig")
    module.DictConfig = type("DictConfig", (), {"__module__": "omegaconf.dictconfig"})
    monkeypatch.setitem(sys.modules, "omegaconf", ModuleType("omegaconf"))
    monkeypatch.setitem(sys.modules, "omegaconf.dictconfig", module)

    def with_omegaconf(state):
        state["cfg"], state["args"] = module.DictConfig(), None

    folder, _ = write_archive(change=with_omegaconf)
    monkeypatch.setitem(sys.modules, "omegaconf", None)
    refusal(folder, "model.pt", "pip install omegaconf")


def test_omegaconf_objects_are_read_where_it_is_installed(write_archive):
    omegaconf = pytest.importorskip("omegaconf")

    def with_omegaconf(state):
        parts = {
            "model": state["args"],
            "task": argparse.Namespace(langs=None),
            "common": {"lr": [0.1], "x": None},
        }
        state["cfg"] = omegaconf.OmegaConf.create(parts, flags={"allow_objects": True})
        state["args"] = None

    folder, model = write_archive(change=with_omegaconf)
    options, tensors = read_checkpoint(folder / "model.pt")
    assert options["encoder_langtok"] == "src"
    convert_fairseq(folder, folder.parent / "converted")
    assert torch.equal(tensors["encoder.embed_tokens.weight"], model.model.shared.weight)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"encoder_normalize_before": False}, "encoder_normalize_before"),
        ({"decoder_normalize_before": False}, "decoder_normalize_before"),
        ({"encoder_learned_pos": True}, "encoder_learned_pos=True"),
        ({"layernorm_embedding": True}, "layernorm_embedding"),
        ({"activation_fn": "swish"}, "activation_fn=swish"),
        ({"encoder_langtok": "tgt"}, "encoder_langtok=tgt"),
        ({"encoder_langtok": None}, "encoder_langtok=None"),
        ({"decoder_langtok": False}, "decoder_langtok"),
        ({"lang_tok_style": "mbart"}, "lang_tok_style"),
        ({"encoder_layers": 3}, "encoder.layers.2."),
        ({"encoder_layers": 1}, "has no place"),
        ({"decoder_ffn_embed_dim": 25}, "shape"),
        ({"decoder_attention_heads": None}, "do not describe an M2M model"),
    ],
)
def test_what_hugging_face_would_compute_otherwise_is_refused(write_archive, options, part):
    folder, _ = write_archive(**options)
    refusal(folder, "model.pt", part)


def set_tensor(name, change):
    def apply(state):
        state["model"][name] = change(state["model"])

    return apply


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (set_tensor("decoder.output_projection.bias", lambda _: torch.zeros(9)), "bias"),
        (
            set_tensor("decoder.embed_tokens.weight", lambda model: model["encoder.embed_tokens.weight"] + 1),
            "differs",
        ),
        (
            set_tensor(
                "decoder.output_projection.weight", lambda model: model["encoder.embed_tokens.weight"][1:]
            ),
            "differs",
        ),
        (set_tensor("encoder.layernorm_embedding.weight", lambda _: torch.zeros(16)), "has no place"),
        (lambda state: state["model"].pop("encoder.layer_norm.weight"), "has no tensor"),
        (lambda state: state["model"].pop("encoder.embed_tokens.weight"), "has no tensor"),
        (lambda state: state.update(args=None), "no options"),
        (lambda state: state.update(args=None, cfg=[1]), "no options"),
        (lambda state: state.update(args=None, cfg={"model": None, "task": None}), "no options"),
        (lambda state: state.pop("model"), "not a checkpoint of fairseq"),
    ],
)
def test_a_model_of_another_kind_is_refused(write_archive, change, part):
    folder, _ = write_archive(change=change)
    refusal(folder, "model.pt", part)


def test_a_dictionary_that_does_not_fit_is_refused(write_archive):
    folder, _ = write_archive(langs=LANGUAGES)
    dictionary, pairs = folder / "dict.txt", folder / "language_pairs.txt"
    text = dictionary.read_text(encoding="utf-8")
    for changed, parts in (
        (text + "another 1\n", ["rows"]),
        (text.replace("__umb__", "__bmu__"), ["rows", "1 language tokens"]),
        (text + "madeupword0000 1\n", ["repeats the symbol 'madeupword0000'"]),
        (text + "\n", ["is not a symbol"]),
        (text + "word\n", ["is not a symbol"]),
    ):
        dictionary.write_text(changed, encoding="utf-8")
        refusal(folder, "dict.txt", *parts)
    dictionary.write_text(text, encoding="utf-8")
    pairs.write_text("en-de,en-xh\n")
    refusal(folder, "language_pairs.txt", "'xh'")
    pairs.write_text("en-de,fr\n")
    refusal(folder, "language_pairs.txt", "'fr'")


@pytest.mark.parametrize("name", ["model.pt", "dict.txt", "sentencepiece.bpe.model", "language_pairs.txt"])
def test_missing_and_broken_files_are_named(write_archive, name):
    folder, _ = write_archive()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2] if name == "model.pt" else b"\xff\xfe\xff")
    refusal(folder, name)
    (folder / name).unlink()
    refusal(folder, name)


def test_transformers_alone_does_not_load_a_wrong_tokenizer(write_archive, tmp_path):
    folder, _ = write_archive()
    convert_fairseq(folder, tmp_path / "converted")
    with pytest.raises(Exception):  # noqa: B017, PT011 - of whatever kind: only silence would be wrong
        AutoTokenizer.from_pretrained(tmp_path / "converted", local_files_only=True)


def test_a_converted_model_trains_on_what_its_tokenizer_makes(write_archive, tmp_path, sentences):
    folder, _ = write_archive()
    convert_fairseq(folder, tmp_path / "converted")
    corpus = TokenizedCorpus.of(
        {code: sentences[code] for code in ("en", "de")}, Tokenizer(tmp_path / "converted")
    )
    batch = collate(corpus, corpus.examples([("en", "de")]))
    model = load_base_model(tmp_path / "converted")
    logits = model(
        input_ids=batch.source, attention_mask=batch.source_mask, decoder_input_ids=batch.decoder_input
    ).logits
    kept = batch.target.ne(batch.pad)
    loss, _ = smoothed_cross_entropy(logits[kept], batch.target[kept], 0.2)
    loss.backward()
    assert model.model.shared.weight.grad.isfinite().all()
