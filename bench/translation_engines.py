"""Translation engines with beam search: lslo, and Hugging Face's `generate` of a merged model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from transformers import LogitsProcessor, LogitsProcessorList, M2M100ForConditionalGeneration

from lslo.corpus.tokenized import pad_sequences
from lslo.experiment.hyperparameters import Decoding
from lslo.running.fork_pool import map_in_forks
from lslo.translation.translate import translate
from models import Merger, load_adapted
from operations import translation_operations
from results import EngineResult, say, synchronise
from work import Work

Direction = tuple[str, str]
# By direction, such as `en-de`: the tokens of each sentence, without language token and `</s>`.
Translations = dict[str, list[list[int]]]


class RecordingTokenizer:
    """A tokenizer that decodes to the sentence followed by a tab and its token ids.

    `translate` returns text, but engines are compared by their tokens.

    Args:
        tokenizer: The work's tokenizer.
    """

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer
        self.pad = tokenizer.pad
        self.end_of_sentence = tokenizer.end_of_sentence
        self.unknown = tokenizer.unknown

    def encode(self, sentences: Iterable[str]) -> list[list[int]]:
        """Returns the ids of each sentence."""
        return self._tokenizer.encode(sentences)

    def language_token(self, language: str) -> int:
        """Returns the id of a language's token."""
        return self._tokenizer.language_token(language)

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        """Returns each sequence of ids as its sentence, a tab, and the ids."""
        sequences = [list(map(int, sequence)) for sequence in ids]
        texts = self._tokenizer.decode(sequences)
        return [
            f"{text}\t{' '.join(map(str, tokens))}" for text, tokens in zip(texts, sequences, strict=True)
        ]


def name_of(direction: Direction) -> str:
    """Returns the name of a direction, such as `en-de`."""
    return "-".join(direction)


def text_tokens(tokens: Iterable[int], end_of_sentence: int, pad: int) -> list[int]:
    """Returns tokens without `</s>` and padding."""
    return [int(token) for token in tokens if int(token) not in (end_of_sentence, pad)]


def run_lslo(work: Work, device: torch.device) -> EngineResult:
    """Translates with `lslo.translation.translate.translate`, which mixes all directions in batches."""
    model, router = load_adapted(work.base_model, work.adapter)
    model.to(device)
    tokenizer = RecordingTokenizer(work.tokenizer)
    sources, directions = work.content["sources"], work.directions
    synchronise(device)
    started = time.perf_counter()
    found = translate(model, tokenizer, sources, directions, Decoding(**work.size.decoding), router=router)
    synchronise(device)
    seconds = time.perf_counter() - started
    translations = {
        name_of(direction): [
            text_tokens(line.rpartition("\t")[2].split(), tokenizer.end_of_sentence, tokenizer.pad)
            for line in lines
        ]
        for direction, lines in found.items()
    }
    counted = count(translations) | {"operations": translation_operations(work, translations)}
    return EngineResult({"": seconds}, counted, {"translate": seconds}, translations)


def count(translations: Translations) -> dict[str, int]:
    """Counts sentences and target tokens, `</s>` included."""
    lines = [tokens for of in translations.values() for tokens in of]
    return {"sentences": len(lines), "target_tokens": sum(len(tokens) + 1 for tokens in lines)}


def sorted_batches(lengths: Sequence[int], decoding: Decoding) -> Iterator[list[int]]:
    """Yields batches of rows of similar length, longest first, as large as lslo's token budget allows.

    Args:
        lengths: The number of tokens of each source sentence.
        decoding: The decoding, which has the token budget and the beam's width.
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    while order:
        rows = max(1, decoding.tokens_per_batch // (lengths[order[0]] * decoding.beam))
        yield order[:rows]
        order = order[rows:]


def source_sequences(work: Work, source: str) -> list[list[int]]:
    """Returns the source sequence `[__src__, x…, </s>]` of every sentence in a language."""
    tokenizer = work.tokenizer
    return [
        [tokenizer.language_token(source), *ids, tokenizer.end_of_sentence]
        for ids in tokenizer.encode(work.content["sources"][source])
    ]


class FairseqAllowed(LogitsProcessor):
    """Allows the tokens that fairseq's search allows.

    The first token is the language token, whose log-probability counts. Later tokens are any but padding, and
    after `maximum_length` tokens only `</s>`.

    `prefix_allowed_tokens_fn` could do the same, but with a list of the vocabulary for each hypothesis and
    step, which would make `generate` slower. `forced_bos_token_id` would not count the language token.

    Args:
        language_token: The id of the target language's token.
        pad: The id of padding.
        end_of_sentence: The id of `</s>`.
        maximum_length: The most tokens before `</s>`, the language token included.
    """

    def __init__(self, language_token: int, pad: int, end_of_sentence: int, maximum_length: int):
        self.language_token = language_token
        self.pad = pad
        self.end_of_sentence = end_of_sentence
        self.maximum_length = maximum_length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Returns the scores with those of forbidden tokens at −∞.

        Args:
            input_ids: The hypotheses so far, [hypotheses, length].
            scores: Log-probabilities of the next token, [hypotheses, V].
        """
        # The sequence begins with the token that starts the decoder, which is none of the hypothesis.
        length = input_ids.shape[1] - 1
        only = {0: self.language_token, self.maximum_length: self.end_of_sentence}.get(length)
        if only is not None:
            allowed = torch.full_like(scores, -torch.inf)
            allowed[:, only] = scores[:, only]
            return allowed
        return scores.index_fill(1, torch.tensor([self.pad], device=scores.device), -torch.inf)


def generate_direction(
    model: M2M100ForConditionalGeneration, work: Work, direction: Direction, device: torch.device
) -> list[list[int]]:
    """Translates a direction with Hugging Face's `generate`, searching as fairseq does.

    Args:
        model: The base model with the direction's LSLo merged.
        work: The work, which holds the source sentences and the decoding.
        direction: The direction (source, target).
        device: The device that computes.

    Returns:
        The tokens of each sentence, without language token and `</s>`.
    """
    source, target = direction
    tokenizer, decoding = work.tokenizer, Decoding(**work.size.decoding)
    sequences = source_sequences(work, source)
    allowed = LogitsProcessorList(
        [
            FairseqAllowed(
                tokenizer.language_token(target),
                tokenizer.pad,
                tokenizer.end_of_sentence,
                decoding.maximum_length,
            )
        ]
    )
    found: dict[int, list[int]] = {}
    for rows in sorted_batches([len(sequence) for sequence in sequences], decoding):
        batch = torch.from_numpy(pad_sequences([sequences[row] for row in rows], tokenizer.pad)).to(device)
        generated = model.generate(
            input_ids=batch,
            attention_mask=batch.ne(tokenizer.pad).long(),
            num_beams=decoding.beam,
            do_sample=False,
            early_stopping=True,
            length_penalty=decoding.length_penalty,
            max_new_tokens=decoding.maximum_length + 1,
            logits_processor=allowed,
        ).tolist()
        for row, tokens in zip(rows, generated, strict=True):
            found[row] = text_tokens(tokens[2:], tokenizer.end_of_sentence, tokenizer.pad)
    tokens = [found[row] for row in range(len(sequences))]
    tokenizer.decode(tokens)
    return tokens


def run_hugging_face(
    work: Work, device: torch.device, generate: Callable = generate_direction
) -> EngineResult:
    """Translates with `generate`, a direction at a time, its LSLo merged into the weights.

    Args:
        work: The work.
        device: The device that computes.
        generate: A function that translates a direction; `generate_direction` or one with its arguments.
    """
    merger = Merger(work.base_model, work.adapter, device)
    translations, merging, generating = {}, 0.0, 0.0
    for number, direction in enumerate(work.directions, start=1):
        synchronise(device)
        started = time.perf_counter()
        model = merger.merge(direction)
        synchronise(device)
        merged = time.perf_counter()
        translations[name_of(direction)] = generate(model, work, direction, device)
        synchronise(device)
        merging += merged - started
        generating += time.perf_counter() - merged
        say(f"{number} of {len(work.directions)} directions", every=12, number=number)
    parts = {"merge": merging, "translate": generating}
    return EngineResult({"": merging + generating}, count(translations), parts, translations)


def run_hugging_face_side_by_side(work: Work, device: torch.device) -> EngineResult:
    """Translates with `generate` in as many processes as there are threads; each has one thread."""
    merger = Merger(work.base_model, work.adapter, device)

    def translate_one(direction: Direction) -> list[list[int]]:
        return generate_direction(merger.merge(direction), work, direction, device)

    started = time.perf_counter()
    found = dict(map_in_forks(translate_one, work.directions, torch.get_num_threads()))
    seconds = time.perf_counter() - started
    translations = {name_of(work.directions[index]): found[index] for index in sorted(found)}
    return EngineResult({"": seconds}, count(translations), {"translate": seconds}, translations)
