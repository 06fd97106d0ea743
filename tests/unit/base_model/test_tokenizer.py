"""Tokenizers of the whole family: M2M-100, NLLB, and a model's own codes for the project's languages.

Those of converted models are tested beside the conversion, in test_fairseq.py.
"""

import json

import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer as Backend
from tokenizers import models
from transformers import AutoTokenizer, M2M100Tokenizer, NllbTokenizer
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

from lslo.base_model.tokenizer import Tokenizer, read_dictionary
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Decoding
from lslo.training.batches import collate
from lslo.translation.translate import translate
from nllb_tokenizer import write_nllb_tokenizer

NLLB_CODES = {"en": "eng_Latn", "de": "deu_Latn", "or": "ory_Orya", "zh": "zho_Hans"}


@pytest.fixture(scope="module")
def sentencepiece_model(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("sentencepiece") / "sentencepiece.bpe.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([line for rows in sentences.values() for line in rows]),
            model_writer=file,
            vocab_size=140,
            model_type="bpe",
            character_coverage=1.0,
            num_threads=1,
            minloglevel=1,
        )
    return path


@pytest.fixture(scope="module")
def nllb_folder(tmp_path_factory, sentencepiece_model):
    """A folder as facebook/nllb-200-distilled-600M is published, but for the model's weights."""
    folder = tmp_path_factory.mktemp("nllb")
    rows = write_nllb_tokenizer(folder, sentencepiece_model.read_bytes())
    (folder / "config.json").write_text(json.dumps({"model_type": "m2m_100", "vocab_size": rows}))
    return folder


@pytest.fixture(scope="module", params=["as published", "as saved again"])
def nllb(request, nllb_folder, tmp_path_factory):
    """The tokenizer of the published form, and of the form in which transformers 5 saves it."""
    folder = nllb_folder
    if request.param == "as saved again":
        folder = tmp_path_factory.mktemp("saved")
        AutoTokenizer.from_pretrained(nllb_folder).save_pretrained(folder)
        (folder / "config.json").write_bytes((nllb_folder / "config.json").read_bytes())
    return Tokenizer(folder, NLLB_CODES)


def test_nllb_ids_are_the_models(nllb, nllb_folder, sentences, sentencepiece_model):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    assert isinstance(AutoTokenizer.from_pretrained(nllb_folder), NllbTokenizer)
    assert (nllb.pad, nllb.end_of_sentence, nllb.unknown) == (1, 2, 3)
    lines = [line for rows in sentences.values() for line in rows]
    # One more than SentencePiece's, whose <unk> <s> </s> are <s> <pad> </s> <unk> here.
    assert nllb.encode(lines) == [[index + 1 for index in processor.encode(line)] for line in lines]
    first = processor.get_piece_size() + 1
    for code, nllb_code in NLLB_CODES.items():
        assert nllb.language_token(code) == first + FAIRSEQ_LANGUAGE_CODES.index(nllb_code)
        assert nllb.language_token(nllb_code) == nllb.language_token(code)


def test_nllb_text_is_normalised_and_decoded_as_it_was(nllb, sentences):
    for lines in sentences.values():
        assert nllb.decode(nllb.encode(lines)) == lines
        pieces = nllb.encode(lines)[0]
        assert nllb.decode([[*pieces, 2, 1], [2]]) == [lines[0], ""]
    assert nllb.encode(["Ｔｈｅ  house"]) == nllb.encode(["The house"])
    # Nothing is tidied up: references are not either.
    assert nllb.decode(nllb.encode(["The house is small ."])) == ["The house is small ."]
    assert nllb.encode([""]) == [[]]


def test_nllb_pieces_are_no_languages(nllb_folder):
    plain = Tokenizer(nllb_folder)
    assert plain.encode(["us"])[0] != [plain.unknown]
    for code in ("us", "en", "eng", "<s>", "<mask>", "eng_Cyrl"):
        with pytest.raises(ValueError, match=f"'{code}'.*ace_Arab") as error:
            plain.language_token(code)
        assert str(nllb_folder) in str(error.value)
    with pytest.raises(ValueError, match=r"'en' \(the model's 'eng_Cyrl'\)"):
        Tokenizer(nllb_folder, {"en": "eng_Cyrl"}).language_token("en")


@pytest.mark.parametrize("legacy", [False, True])
def test_nllb_sequences_begin_with_the_language_and_translate(
    nllb_folder, tmp_path, small_model, sentences, legacy
):
    for path in nllb_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    configuration = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(configuration | {"legacy_behaviour": legacy}))
    tokenizer = Tokenizer(tmp_path, NLLB_CODES)
    corpus = TokenizedCorpus.of({code: sentences[code] for code in ("en", "or")}, tokenizer)
    batch = collate(corpus, corpus.examples([("en", "or")]))
    english, oriya = tokenizer.language_token("en"), tokenizer.language_token("or")
    assert batch.source[:, 0].tolist() == [english] * 3
    assert batch.decoder_input[:, :2].tolist() == [[2, oriya]] * 3
    assert batch.target[:, 0].tolist() == [oriya] * 3
    ends = batch.source_mask.sum(dim=1) - 1
    assert batch.source.gather(1, ends.unsqueeze(1)).flatten().tolist() == [2] * 3
    if not legacy:
        inner = AutoTokenizer.from_pretrained(tmp_path, src_lang="eng_Latn")
        assert inner(sentences["en"][0]).input_ids == corpus.sentences[0][0].tolist()

    rows = json.loads((tmp_path / "config.json").read_text())["vocab_size"]
    model = small_model(vocabulary=rows)
    found = translate(
        model,
        tokenizer,
        {"en": sentences["en"]},
        [("en", "or"), ("en", "zh")],
        Decoding(beam=2, maximum_length=6),
    )
    assert {direction: len(texts) for direction, texts in found.items()} == {("en", "or"): 3, ("en", "zh"): 3}
    assert all(isinstance(text, str) and "eng_Latn" not in text for texts in found.values() for text in texts)


@pytest.fixture(scope="module", params=[True, False])
def m2m100_folder(request, tokenizer_folder, tmp_path_factory):
    """M2M100Tokenizers: this project's, and one whose folder does not call the language tokens special."""
    if request.param:
        return tokenizer_folder
    folder = tmp_path_factory.mktemp("m2m100")
    M2M100Tokenizer(
        vocab_file=str(tokenizer_folder / "vocab.json"),
        spm_file=str(tokenizer_folder / "sentencepiece.bpe.model"),
    ).save_pretrained(folder)
    return folder


def test_m2m100_as_transformers_makes_it(m2m100_folder, small_model, sentences):
    codes = {"nob": "no", "eng": "en"}
    tokenizer, inner = Tokenizer(m2m100_folder, codes), AutoTokenizer.from_pretrained(m2m100_folder)
    assert isinstance(inner, M2M100Tokenizer)
    assert (tokenizer.pad, tokenizer.end_of_sentence, tokenizer.unknown) == (1, 2, 3)
    assert tokenizer.language_token("nob") == tokenizer.language_token("no") == inner.get_lang_id("no")
    inner.src_lang = "en"
    for line, pieces in zip(sentences["en"], tokenizer.encode(sentences["en"]), strict=True):
        assert inner(line).input_ids == [tokenizer.language_token("eng"), *pieces, 2]
        assert tokenizer.decode([[*pieces, 2], [*pieces, tokenizer.language_token("no"), 2]]) == [line, line]
    with pytest.raises(ValueError, match=r"'kam'.*af, am, ar"):
        tokenizer.language_token("kam")
    model = small_model(vocabulary=max(inner.lang_code_to_id.values()) + 1)
    found = translate(
        model, tokenizer, {"eng": sentences["en"]}, [("eng", "nob")], Decoding(beam=2, maximum_length=6)
    )
    assert len(found["eng", "nob"]) == 3
    assert torch.is_grad_enabled()


def test_folders_without_a_usable_tokenizer_are_refused_in_one_line(tmp_path, nllb_folder):
    (tmp_path / "config.json").write_text('{"model_type": "m2m_100"}')
    with pytest.raises(ValueError, match="no tokenizer that transformers can load") as error:
        Tokenizer(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)
    backend = Backend(models.BPE({"<unk>": 0, "a": 1}, [], unk_token="<unk>"))
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    with pytest.raises(ValueError, match="no language tokens"):
        Tokenizer(tmp_path)


def test_dictionaries_are_read_as_fairseq_reads_them(tmp_path):
    path = tmp_path / "dict.txt"
    # A symbol may hold spaces, and characters at which str.splitlines would break the line.
    path.write_bytes("▁a 3\nb c 2\n\u2028 1\n\u00a0x 1\n__en__ 1\n".encode())
    assert read_dictionary(path)[4:] == ["▁a", "b c", "\u2028", "\u00a0x", "__en__"]
    for text in ("▁a\n", "▁a x\n", " 3\n", "\n", "a 1\na 1\n", "<s> 1\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"dict\.txt: not a fairseq dictionary \(line"):
            read_dictionary(path)


def test_a_converted_folder_with_a_broken_file_is_refused(tmp_path, sentencepiece_model):
    (tmp_path / "dict.txt").write_text("▁a 1\n__en__ 1\n", encoding="utf-8")
    (tmp_path / "language_tokens.json").write_text('{"en": 5}')
    with pytest.raises(FileNotFoundError, match=r"sentencepiece\.bpe\.model"):
        Tokenizer(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(sentencepiece_model.read_bytes())
    tokenizer = Tokenizer(tmp_path, {"eng": "en"})
    assert tokenizer.language_token("eng") == 5
    # A language token written in a sentence is text to fairseq, and never printed.
    assert 5 not in tokenizer.encode(["__en__"])[0]
    assert tokenizer.decode([[5, 4, 4, 3, 2]]) == ["a a<unk>"]
    (tmp_path / "language_tokens.json").write_text("[]")
    with pytest.raises(ValueError, match=r"language_tokens\.json"):
        Tokenizer(tmp_path)
