"""N-grams counted in arrays are those that sacrebleu counts in dictionaries, whatever the text."""

import numpy as np
import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from lslo.scoring import ngram_matches, score_files
from lslo.scoring.bleu import direction_statistics
from lslo.scoring.chrf import CHRF_WORD_ORDER, ChrfReferences
from lslo.scoring.directions import score_directions
from lslo.scoring.ngram_matches import ReferenceNgrams, Sentences
from lslo.scoring.spbleu_tokenizer import SpbleuTokenizer

# Few different characters, so that n-grams match, of every kind that is special somewhere: whitespace of
# Unicode and of ASCII, punctuation, combining, beyond 16 bits, what normalisation changes, and what is none.
SPECIAL = "ab.,(é\u0301中ଅ😀𝒳ﬁＡ▁<0xE4>s/ \t\n\r\x0b\x1c\x1f\x85\xa0\u2028\u3000\u200b\ufeff\0"
TEXTS = st.one_of(
    st.text(st.sampled_from("ab. "), max_size=30),
    st.text(st.sampled_from(SPECIAL), max_size=20),
    # SentencePiece takes no lone surrogates, which are of no text in UTF-8.
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6)
NAMES = ("unigram", "identity", "bpe", "bytes")


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """Name -> a tokenizer that normalises, leaves whitespace alone, or spells unknown characters in bytes."""
    folder = tmp_path_factory.mktemp("spm")
    (folder / "text").write_text("ab. a b ab, ba\nabba (ab) b.a ss <a> 0xE4 /s\n" * 5, encoding="utf-8")
    options = {
        "unigram": {},
        "identity": {
            "normalization_rule_name": "identity",
            "remove_extra_whitespaces": False,
            "user_defined_symbols": ["\t", "a\u3000b", "\x1c"],
        },
        "bpe": {"model_type": "bpe"},
        "bytes": {"model_type": "bpe", "byte_fallback": True, "vocab_size": 300},
    }
    for name in NAMES:
        given = {"vocab_size": 30, "hard_vocab_limit": False, **options[name]}
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "text"), model_prefix=str(folder / name), minloglevel=2, num_threads=1, **given
        )
    return {name: SpbleuTokenizer.from_model(folder / f"{name}.model") for name in NAMES}


def check_spbleu(tokenizer, hypotheses, references):
    statistics = direction_statistics({("en", "de"): hypotheses}, {"de": references}, tokenizer)
    expected = BLEU(tokenize="none", force=True)._extract_corpus_statistics(
        tokenizer.pieces(hypotheses), [tokenizer.pieces(references)]
    )
    assert statistics.counts.tolist() == [expected]


def check_chrf(hypotheses, references):
    metric = CHRF(word_order=CHRF_WORD_ORDER)
    expected = metric._extract_corpus_statistics(hypotheses, [references])
    found = ChrfReferences(references)
    sums = found.statistics(hypotheses)
    # sacrebleu's order: of each n, those of the hypotheses, the references, and both.
    assert sums.ravel().tolist() == np.sum(expected, axis=0).tolist()
    assert found.score(hypotheses) == metric.corpus_score(hypotheses, [references]).score
    assert found.signature == str(metric.get_signature())


@pytest.mark.parametrize("name", NAMES)
@given(pairs=PAIRS)
@example(pairs=[("", ""), ("a", ""), ("", "a"), ("a", "a")])
@example(pairs=[("a\u3000b ab中", "ab 中\ta\u3000b"), ("中中😀", "中😀"), ("<s> <unk>", "<unk> <s>")])
@settings(max_examples=60)
def test_spbleu_is_sacrebleus(tokenizers, name, pairs):
    check_spbleu(tokenizers[name], *map(list, zip(*pairs, strict=True)))


@given(pairs=PAIRS)
@example(pairs=[("", ""), ("a", ""), ("", "a"), ("a", "a")])
@example(pairs=[("(hi) ..", "(hi ) . ."), ("\ud800 \udfff", "\ud800"), ("\U0010ffff\0", "\0\U0010ffff")])
def test_chrf_is_sacrebleus(pairs):
    check_chrf(*map(list, zip(*pairs, strict=True)))


def test_the_vocabulary_has_pieces_with_whitespace(tokenizers):
    """Or the property would not be tested where sacrebleu parts such pieces."""
    assert {"\t", "a\u3000b"} <= set(tokenizers["identity"]._vocabulary)
    assert tokenizers["identity"]._compared_by_text.sum() > tokenizers["bpe"]._compared_by_text.sum()


@given(pairs=PAIRS, largest=st.integers(1, 40), bits=st.integers(7, 40))
@settings(max_examples=60)
def test_sentences_that_do_not_fit_together_are_counted_apart(tokenizers, pairs, largest, bits):
    hypotheses, references = map(list, zip(*pairs, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_matches, "LARGEST_TABLE", largest)
        patch.setattr(ngram_matches, "KEY_BITS", bits)
        check_chrf(hypotheses, references)
        check_spbleu(tokenizers["unigram"], hypotheses, references)


def test_huge_lines_are_sacrebleus_too():
    """More characters than a key has room for, beside lines of every other size."""
    every = "".join(map(chr, range(0x4E00, 0x4E00 + 1500)))
    references = ["a b", every * 2, "", "ab " * 5000]
    blocks = ngram_matches._blocks(ChrfReferences(references)._references[0], 6)
    assert [block.sentences for block in blocks] == [1, 1, 2]
    check_chrf(["b a b", every[::-1] + every, "a", "ba " * 5000], references)


def test_keys_use_all_their_bits():
    """1022 characters and the end, six times ten bits, and the mark of references; one more does not fit."""
    symbols = np.arange(1023)
    for size, kind in ((1022, ngram_matches._Block), (1023, ngram_matches._LongSentence)):
        reference = Sentences(symbols[:size], np.array([size]))
        (block,) = ReferenceNgrams(reference, 6)._blocks
        assert type(block) is kind
        hypothesis = Sentences(np.append(symbols[7:size], 5000), np.array([size - 6]))
        assert block.matches(hypothesis).tolist() == [[size - 6 - n for n in range(1, 7)]]


def test_no_sentences_have_no_matches():
    none = Sentences(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert ReferenceNgrams(none, 4).matches(none).shape == (0, 4)


def test_repeated_hypotheses_are_split_into_pieces_once(tokenizers, monkeypatch):
    tokenizer = tokenizers["bpe"]
    lines = ["ab ba", "ba ab ", "ab ba", "ab ba\n"]
    encoded = []
    processor = tokenizer.processor

    class Counting:
        def __getattr__(self, name):
            return getattr(processor, name)

        def encode(self, given, **options):
            encoded.extend(given)
            return processor.encode(given, **options)

    scores = score_directions({("en", "de"): lines}, {"de": lines[::-1]}, tokenizer)
    counting = SpbleuTokenizer(tokenizer.name, Counting())
    again = score_directions({("en", "de"): lines}, {"de": lines[::-1]}, counting)
    assert again.equals(scores)
    assert encoded == ["ab ba", "ba ab"]
    assert tuple(scores.columns) == score_files.SCORE_COLUMNS
