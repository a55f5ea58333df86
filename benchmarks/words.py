"""Word alignment beside the simalign package: the same model, layer, pairs and threads, and the same links."""

from collections.abc import Callable, Iterator

from benchmarks.rows import Row, agrees, costs, outruns, skipped
from benchmarks.settings import Settings
from benchmarks.timing import side_by_side
from xalign import Encoder, load_encoder
from xalign.errors import CorpusError
from xalign.word_alignment import align_words, default_layer, read_pairs
from xalign.word_alignment.reading import WordPair
from xalign.word_alignment.simalign_backend import METHODS, make_aligner
from xalign.word_alignment.similarities import read_batches
from xalign.word_alignment.tokens import tokenize_words

BARS = {"argmax": 4.0, "itermax": 4.0, "mwmf": 8.0}
BATCH = 64
REFERENCE = "simalign, a pair at a time"


def rows(settings: Settings) -> Iterator[Row]:
    """Measure each of the package's methods on the English-French gold pairs, and what extraction adds."""
    path = settings.data / "word_alignment" / "awesome" / "enfr.src-tgt"
    try:
        pairs = read_pairs(path)
    except CorpusError as error:
        yield skipped("word alignment", str(error))
        return
    encoder = load_encoder(dtype="float32", device="cpu")
    layer = default_layer(encoder.n_layers)
    for method, bar in BARS.items():
        yield from _beside_simalign(encoder, pairs, method, bar, settings)
    forward = _forward(encoder, pairs, layer)
    for method in BARS:
        times = side_by_side(lambda method=method: _ours(encoder, pairs, method), forward, repeats=settings.repeats)
        size = f"{len(pairs)} English-French pairs, {encoder.name}, layer {layer}, batch {BATCH}"
        yield costs(f"word alignment, {method}, all of it", size, times, "its forward passes alone", at_most=1.3)


def _beside_simalign(
    encoder: Encoder, pairs: list[WordPair], method: str, bar: float, settings: Settings
) -> Iterator[Row]:
    """The package gets every k-th pair only, as it is slow; its time is told as that of all."""
    every = settings.choose(4, 12) * (3 if method == "mwmf" else 1)
    sample = pairs[::every]
    layer, what = default_layer(encoder.n_layers), f"word alignment, {method}"
    size = f"{len(pairs)} English-French pairs, {encoder.name}, layer {layer}, batch {BATCH}"
    theirs = simalign_call(encoder, method, layer)
    found, peer = [each.links for each in _ours(encoder, sample, method)], theirs(sample)
    shared = sum(len(a & b) for a, b in zip(found, peer, strict=True))
    either = sum(len(a | b) for a, b in zip(found, peer, strict=True))
    share, sized = f"{what}: share of links in common", f"{len(sample)} pairs, {either} links"
    yield agrees(share, sized, [shared / either], REFERENCE, [1.0], within=1e-3)
    times = side_by_side(lambda: _ours(encoder, pairs, method), lambda: theirs(sample), repeats=settings.repeats)
    yield outruns(what, size, times.scaled(len(pairs) / len(sample)), REFERENCE, at_least=bar)


def simalign_call(encoder: Encoder, method: str, layer: int) -> Callable[[list[WordPair]], list[set[tuple[int, int]]]]:
    """Return a call of the package's own aligner, loaded beforehand."""
    letter, name = METHODS[method]
    aligner = make_aligner(encoder, layer=layer, matching_methods=letter)
    return lambda pairs: [set(aligner.get_word_aligns(source, target)[name]) for source, target in pairs]


def _ours(encoder: Encoder, pairs: list[WordPair], method: str) -> list:
    return align_words(encoder, pairs, method=method, batch_size=BATCH)


def _forward(encoder: Encoder, pairs: list[WordPair], layer: int) -> Callable[[], None]:
    """Return the batched forward passes alone: tokenised beforehand, nothing compared."""
    tokens = tokenize_words(encoder, [words for pair in pairs for words in pair])

    def run() -> None:
        for _ in read_batches(encoder, tokens, layers=[layer], batch_size=BATCH):
            pass

    return run
