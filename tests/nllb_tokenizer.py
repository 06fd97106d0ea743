"""Tokenizer files of an NLLB model, in the form in which facebook/nllb-200-distilled-600M is published."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES


def precompiled_charsmap(model):
    """Returns the normalisation table of a SentencePiece model: field 3.2 of its protocol buffer."""

    def fields(message):
        place = 0

        def number():
            nonlocal place
            value = shift = 0
            while True:
                byte = message[place]
                place += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        while place < len(message):
            field, kind = divmod(number(), 8)
            length = {0: 0, 1: 8, 5: 4}.get(kind)
            if kind == 0:
                number()
            elif length is None:
                length = number()
            yield field, message[place : place + length]
            place += length

    return dict(fields(dict(fields(model))[3]))[2]


def write_nllb_tokenizer(folder: Path, model: bytes) -> int:
    """Writes a tokenizer with the pieces of a SentencePiece model and returns the embedding's number of rows.

    tokenizer.json has the four special tokens, the pieces, the languages and the mask in one BPE vocabulary.
    The configuration names the languages and has entries of older versions of transformers.

    Args:
        folder: The folder to write to.
        model: The SentencePiece model, as the content of its file.
    """
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [processor.id_to_piece(index) for index in range(3, processor.get_piece_size())]
    symbols = ["<s>", "<pad>", "</s>", "<unk>", *pieces, *FAIRSEQ_LANGUAGE_CODES, "<mask>"]
    vocabulary = {symbol: index for index, symbol in enumerate(symbols)}
    merges = [
        (piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if {piece[:cut], piece[cut:]} <= set(pieces)
    ]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True))
    charsmap = precompiled_charsmap(model)
    backend.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="eng_Latn $A </s>",
        special_tokens=[(token, vocabulary[token]) for token in ("eng_Latn", "</s>")],
    )
    backend.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", *FAIRSEQ_LANGUAGE_CODES, "<mask>"])
    backend.save(str(folder / "tokenizer.json"))
    assert base64.b64encode(charsmap).decode() in (folder / "tokenizer.json").read_text()

    special = {
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
        "additional_special_tokens": FAIRSEQ_LANGUAGE_CODES,
        "mask_token": {
            "content": "<mask>",
            "lstrip": True,
            "normalized": True,
            "rstrip": False,
            "single_word": False,
        },
    }
    configuration = special | {
        "mask_token": special["mask_token"] | {"__type": "AddedToken"},
        "legacy_behaviour": False,
        "model_max_length": 1024,
        "clean_up_tokenization_spaces": True,
        "sp_model_kwargs": {},
        "special_tokens_map_file": None,
        "src_lang": None,
        "tgt_lang": None,
        "tokenizer_class": "NllbTokenizer",
        "tokenizer_file": None,
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration))
    (folder / "sentencepiece.bpe.model").write_bytes(model)
    # In the published configuration the embedding has two rows more than there are symbols.
    return len(symbols) + 2
