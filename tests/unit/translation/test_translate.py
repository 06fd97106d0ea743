"""Beam search equals fairseq's, one sentence at a time and without a cache; batches change nothing."""

import copy

import pytest
import torch
from torch import nn

from lslo.adapters.index_strategy import IndexStrategy
from lslo.adapters.placement import add_lslo
from lslo.base_model.tokenizer import Tokenizer
from lslo.corpus.tokenized import TokenizedCorpus
from lslo.experiment.hyperparameters import Decoding
from lslo.translation import translate as translate_module
from lslo.translation.beam_search import beam_search
from lslo.translation.translate import translate

PAD, END = 1, 2
LANGUAGE_TOKENS = {"en": 4, "de": 5, "or": 6}
STRATEGY = IndexStrategy(("src", "tgt"), ("tgt", "src", "tgt"))


def with_likely_ends(model, boost=2.0):
    """The model with a larger logit of `</s>`, so that hypotheses end early and at various lengths."""
    head = nn.Linear(model.lm_head.in_features, model.lm_head.out_features)
    with torch.no_grad():
        head.weight.copy_(model.lm_head.weight)
        head.bias.zero_()
        head.bias[END] = boost
    model.lm_head = head
    return model


@pytest.fixture(scope="module")
def model(small_model):
    return with_likely_ends(small_model(seed=11)).requires_grad_(False)


def random_sources(number, seed, longest=9):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(0, longest, (number,), generator=generator).tolist()
    return [[4, *torch.randint(10, 40, (length,), generator=generator).tolist(), END] for length in lengths]


def padded(sources, extra=0):
    longest = max(map(len, sources)) + extra
    return torch.tensor([[*source, *[PAD] * (longest - len(source))] for source in sources])


@torch.inference_mode()
def reference_search(model, source, language_token, decoding):
    """fairseq's SequenceGenerator for one sentence in plain Python; returns all finished hypotheses."""

    def log_probabilities(tokens):
        logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([tokens])).logits
        values = torch.log_softmax(logits[0, -1], dim=-1).tolist()
        values[PAD] = -float("inf")
        return values

    hypotheses = [([END, language_token], log_probabilities([END])[language_token])]
    finished = []
    for generated in range(1, decoding.maximum_length + 1):
        candidates = []
        for tokens, score in hypotheses:
            for token, log_probability in enumerate(log_probabilities(tokens)):
                if generated < decoding.maximum_length or token == END:
                    candidates.append((score + log_probability, tokens, token))
        candidates.sort(key=lambda candidate: -candidate[0])
        candidates = candidates[: 2 * decoding.beam]
        for score, tokens, token in candidates[: decoding.beam]:
            if token == END and len(finished) < decoding.beam:
                normalised = score / (generated + 1) ** decoding.length_penalty
                finished.append((normalised, [*tokens[1:], END]))
        if len(finished) == decoding.beam:
            break
        going_on = [candidate for candidate in candidates if candidate[2] != END][: decoding.beam]
        hypotheses = [([*tokens, token], score) for score, tokens, token in going_on]
    return sorted(finished, key=lambda hypothesis: -hypothesis[0])


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(beam=5, maximum_length=12),
        Decoding(beam=5, maximum_length=3),
        Decoding(beam=2, maximum_length=10, length_penalty=0.6),
        Decoding(beam=3, maximum_length=10, length_penalty=2.0),
        Decoding(beam=1, maximum_length=10),
        Decoding(beam=4, maximum_length=1),
    ],
    ids=str,
)
def test_beam_search_equals_the_reference(model, decoding):
    sources = random_sources(10, seed=1)
    targets = [4 + number % 3 for number in range(10)]
    found = beam_search(model, padded(sources), torch.tensor(targets), decoding)
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        score, tokens = reference_search(model, source, target, decoding)[0]
        assert found.tokens[number] == tokens
        assert found.scores[number] == pytest.approx(score, abs=1e-5)
        assert tokens[0] == target


def test_the_random_model_exercises_the_search(model):
    """Hypotheses end at many lengths, some only at the maximum, and greedy search finds others."""
    sources, target = random_sources(30, seed=2), torch.full((30,), 5)
    found = beam_search(model, padded(sources), target, Decoding(beam=5, maximum_length=12)).tokens
    lengths = [len(tokens) for tokens in found]
    assert len(set(lengths)) >= 4
    greedy = beam_search(model, padded(sources), target, Decoding(beam=1, maximum_length=12)).tokens
    assert found != greedy
    assert 13 in [len(tokens) for tokens in greedy]


def test_forced_end_is_scored_by_its_own_probability(model):
    source = [4, 12, 13, END]
    found = beam_search(model, padded([source]), torch.tensor([6]), Decoding(beam=3, maximum_length=1))
    assert found.tokens == [[6, END]]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([[END, 6]])).logits
    steps = torch.log_softmax(logits[0], dim=-1)
    assert found.scores[0] == pytest.approx((steps[0, 6] + steps[1, END]).item() / 2, abs=1e-6)


def test_padding_is_never_chosen(small_model):
    model = with_likely_ends(small_model(seed=3), boost=0.5)
    with torch.no_grad():
        model.lm_head.bias[PAD] = 50.0
    found = beam_search(model, padded(random_sources(4, seed=3)), torch.full((4,), 4), Decoding(2, 1.0, 8))
    assert not any(PAD in tokens for tokens in found.tokens)


def test_results_do_not_depend_on_the_batch_or_its_padding(model):
    sources, decoding = random_sources(12, seed=4), Decoding(beam=4, maximum_length=10)
    targets = torch.tensor([4, 5, 6] * 4)
    together = beam_search(model, padded(sources, extra=5), targets, decoding)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1)).tolist()
    shuffled = beam_search(model, padded([sources[number] for number in order]), targets[order], decoding)
    for place, number in enumerate(order):
        alone = beam_search(model, padded([sources[number]]), targets[number : number + 1], decoding)
        assert together.tokens[number] == alone.tokens[0] == shuffled.tokens[place]
        assert together.scores[number] == pytest.approx(alone.scores[0], abs=1e-5)
        assert shuffled.scores[place] == pytest.approx(alone.scores[0], abs=1e-5)


def merged(base, placed, source, target):
    """A copy of the base model with W + B_l A_l for one direction of language indices."""
    model = copy.deepcopy(base)
    for matrix, module in placed.items():
        language = source if module.index == "src" else target
        weight = model.model.get_submodule(matrix.path).weight
        weight += module.lslo.B_of(language).detach() @ module.lslo.A_of(language).detach()
    return model


def test_routed_beam_search_equals_merged_models_of_each_direction(small_model, randomised):
    base = with_likely_ends(small_model(seed=12)).requires_grad_(False)
    model = copy.deepcopy(base)
    router, placed = add_lslo(model, {"en": 1, "de": 3, "or": 2}, STRATEGY)
    randomised([module.lslo for module in placed.values()])
    sources, decoding = random_sources(12, seed=5), Decoding(beam=3, maximum_length=10)
    source = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
    target = torch.tensor([1, 2, 0, 2, 0, 1, 1, 2, 0, 2, 0, 1])
    routes = {"router": router, "source_language": source, "target_language": target}
    together = beam_search(model, padded(sources), 4 + target, decoding, **routes)
    assert together.tokens != beam_search(base, padded(sources), 4 + target, decoding).tokens
    for direction in set(zip(source.tolist(), target.tolist(), strict=True)):
        rows = [row for row in range(12) if (source[row], target[row]) == direction]
        alone = beam_search(
            merged(base, placed, *direction),
            padded([sources[row] for row in rows]),
            4 + target[rows],
            decoding,
        )
        assert [together.tokens[row] for row in rows] == alone.tokens
        assert [together.scores[row] for row in rows] == pytest.approx(alone.scores, abs=1e-5)


def test_agrees_with_hugging_face_generate(small_model):
    model = with_likely_ends(small_model(seed=11), boost=2.5)
    sources, maximum = random_sources(24, seed=6), 20
    targets = torch.tensor([4, 5, 6] * 8)
    found = beam_search(model, padded(sources), targets, Decoding(beam=5, maximum_length=maximum))
    not_pad = [token for token in range(40) if token != PAD]
    generated = model.generate(
        input_ids=padded(sources),
        attention_mask=padded(sources).ne(PAD).long(),
        num_beams=5,
        do_sample=False,
        early_stopping=True,
        length_penalty=1.0,
        max_new_tokens=maximum + 1,
        prefix_allowed_tokens_fn=lambda row, tokens: [int(targets[row])] if len(tokens) == 1 else not_pad,
        output_scores=True,
        return_dict_in_generate=True,
    )
    compared = 0
    for number in range(24):
        tokens = [token for token in generated.sequences[number, 1:].tolist() if token != PAD]
        if len(found.tokens[number]) <= maximum and len(tokens) <= maximum:
            assert found.tokens[number] == tokens
            assert found.scores[number] == pytest.approx(generated.sequences_scores[number].item(), abs=1e-5)
            compared += 1
    assert compared >= 12


# Whole corpora


SOURCES = {
    "en": ["The house is small.", "", "Two boats on the river", "France and Senegal"],
    "de": ["Das Haus", "Zwei Boote auf dem Fluss", "Frankreich und Senegal", "Fluss"],
    "or": ["ଘରଟି ଛୋଟ", "ନଦୀରେ ଦୁଇଟି ଡଙ୍ଗା", "ଫ୍ରାନ୍ସ", "ଏବଂ"],
}
DIRECTIONS = [("or", "en"), ("en", "de"), ("de", "en"), ("en", "or")]


@pytest.fixture(scope="module")
def tokenizer(tokenizer_folder):
    return Tokenizer(tokenizer_folder)


@pytest.fixture(scope="module")
def routed(small_model, randomised, tokenizer):
    """A model with LSLo whose router has its languages in another order than `SOURCES`, one of them more."""
    vocabulary = max(tokenizer.language_token(language) for language in ("en", "de", "or", "zu")) + 1
    model = with_likely_ends(small_model(seed=13, vocabulary=vocabulary), boost=0.0)
    router, placed = add_lslo(model, {"or": 3, "zu": 1, "de": 2, "en": 1}, STRATEGY)
    randomised([module.lslo for module in placed.values()], scale=0.5)
    return model, router


def expected_line(model, router, tokenizer, source, target, line):
    """One sentence translated on its own."""
    corpus = TokenizedCorpus.of({source: [line]}, tokenizer)
    found = beam_search(
        model,
        torch.from_numpy(corpus.sentences[0][0]).unsqueeze(0),
        torch.tensor([tokenizer.language_token(target)]),
        Decoding(beam=2, maximum_length=8),
        router=router,
        source_language=torch.tensor([router.languages.index(source)]),
        target_language=torch.tensor([router.languages.index(target)]),
    )
    assert found.tokens[0][0] == tokenizer.language_token(target)
    return tokenizer.decode([found.tokens[0][1:]])[0]


@pytest.mark.parametrize("tokens_per_batch", [1, 45, 10_000])
def test_translate_keeps_lines_and_directions(routed, tokenizer, tokens_per_batch):
    model, router = routed
    decoding = Decoding(beam=2, maximum_length=8, tokens_per_batch=tokens_per_batch)
    translations = translate(model, tokenizer, SOURCES, DIRECTIONS, decoding, router=router)
    assert list(translations) == DIRECTIONS
    for (source, target), lines in translations.items():
        assert lines == [
            expected_line(model, router, tokenizer, source, target, line) for line in SOURCES[source]
        ]
    # Most lines differ, so that one in another's place would be seen.
    assert len({line for lines in translations.values() for line in lines}) >= 9


def test_several_processes_translate_as_one_does(routed, tokenizer, monkeypatch):
    model, router = routed
    sources = {language: [f"{word} {word}" for word in "abcdefgh"] for language in ("en", "de", "or")}
    directions = [("en", "de"), ("or", "en"), ("de", "or"), ("en", "or")]
    decoding = Decoding(beam=2, maximum_length=8, tokens_per_batch=100)
    monkeypatch.setattr(translate_module, "LEAST_TOKENS", 20)
    used = []
    original = translate_module.map_in_forks
    monkeypatch.setattr(
        translate_module,
        "map_in_forks",
        lambda function, items, processes: (
            used.append((processes, len(items))) or original(function, items, processes)
        ),
    )
    results = []
    for processes in (1, 2):
        monkeypatch.setattr(translate_module, "suitable_processes", lambda _, processes=processes: processes)
        results.append(translate(model, tokenizer, sources, directions, decoding, router=router))
    assert [processes for processes, _ in used] == [1, 2]
    assert used[1][1] > 2
    assert results[0] == results[1]


def test_a_batch_that_does_not_fit_is_halved_and_the_lines_stay(routed, tokenizer, monkeypatch, caplog):
    model, router = routed
    decoding = Decoding(beam=2, maximum_length=8)
    expected = translate(model, tokenizer, SOURCES, DIRECTIONS, decoding, router=router)
    whole = translate_module.beam_search

    def limited(model, source, *arguments, **options):
        if len(source) > 3:
            raise torch.OutOfMemoryError
        return whole(model, source, *arguments, **options)

    monkeypatch.setattr(translate_module, "beam_search", limited)
    assert translate(model, tokenizer, SOURCES, DIRECTIONS, decoding, router=router) == expected
    sentences = sum(len(lines) for lines in expected.values())
    assert f"out of memory with {sentences} sentences in a batch: halving it" in caplog.text

    def never(*arguments, **options):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(translate_module, "beam_search", never)
    with pytest.raises(torch.OutOfMemoryError):
        translate(model, tokenizer, SOURCES, DIRECTIONS, decoding, router=router)


def test_a_batch_holds_no_more_scores_than_allowed(routed, tokenizer, monkeypatch):
    model, router = routed
    decoding = Decoding(beam=2, maximum_length=8)
    rows = []
    whole = translate_module.beam_search

    def counted(model, source, *arguments, **options):
        rows.append(len(source))
        return whole(model, source, *arguments, **options)

    monkeypatch.setattr(translate_module, "beam_search", counted)
    monkeypatch.setattr(translate_module, "MOST_SCORES", 5 * 2 * model.config.vocab_size + 1)
    translate(model, tokenizer, SOURCES, DIRECTIONS, decoding, router=router)
    assert max(rows) == 5
    assert len(rows) > 1


def test_translate_without_a_router(small_model, tokenizer):
    model = with_likely_ends(small_model(seed=14, vocabulary=tokenizer.language_token("zu") + 1), boost=3.0)
    model.train()
    decoding = Decoding(beam=2, maximum_length=4)
    lines = translate(model, tokenizer, SOURCES, [("en", "de"), ("de", "en")], decoding)
    assert not model.training
    assert {direction: len(of) for direction, of in lines.items()} == {("en", "de"): 4, ("de", "en"): 4}
    corpus = TokenizedCorpus.of({"de": SOURCES["de"]}, tokenizer)
    for line, sentence in zip(lines["de", "en"], corpus.sentences[0], strict=True):
        best = reference_search(model, sentence.tolist(), tokenizer.language_token("en"), decoding)[0]
        assert line == tokenizer.decode([best[1][1:]])[0]
        assert "__en__" not in line
