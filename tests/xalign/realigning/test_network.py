"""States at the aligned layers, nothing above them, and vectors that neither padding nor splitting can change."""

import numpy as np
import pytest
import torch

from xalign import load_encoder
from xalign.corpora.parallel import Pair
from xalign.encoders.words import encode_words
from xalign.realigning.collating import Collator
from xalign.realigning.examples import sentence_examples, word_examples
from xalign.realigning.network import AlignedLayers, mean_of_tokens

SOURCE = ("de1 de31 de2", "de3", "de4 de35 de36 de5 de6 de7")
PIVOT = ("en2 en1 en31", "en3 en8 en9 en10", "en35 en4")
SPANS = {"de31": (4, 8), "en31": (8, 12)}


def span(text: str, word: str) -> tuple[int, int]:
    return text.index(word), text.index(word) + len(word)


def pair_and_links() -> tuple[Pair, list]:
    words = [[("de1", "en1"), ("de31", "en31")], [("de3", "en3")], [("de35", "en35"), ("de4", "en4")]]
    links = [
        [(span(source, a), span(pivot, b)) for a, b in row]
        for source, pivot, row in zip(SOURCE, PIVOT, words, strict=True)
    ]
    return Pair("deu_Latn", "eng_Latn", SOURCE, PIVOT), links


def vectors_of(encoder, examples, layer: int, chunk_rows: int, anchored: str | None = None) -> torch.Tensor:
    network = AlignedLayers(encoder.layered, (layer,))
    batch = Collator(pad_id=1, chunk_rows=chunk_rows, anchored=anchored)(examples)
    with torch.no_grad():
        (states,) = network(batch["ids"], batch["mask"])
    network.close()
    return mean_of_tokens(states, batch, batch["n_vectors"])


@pytest.mark.parametrize("layer", [0, 2, 4])
@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
@pytest.mark.parametrize("anchored", [None, "pivot", "all"])
def test_words_have_the_vectors_that_encode_words_gives_however_they_are_padded(encoder, layer, chunk_rows, anchored):
    pair, links = pair_and_links()
    examples, numbers = word_examples(encoder, pair, links)
    assert numbers == [0, 1, 2]
    found = vectors_of(encoder, examples, layer, chunk_rows, anchored)
    wanted = [
        encode_words(encoder, texts, [[link[side] for link in row] for row in links], layers=[layer], progress=False)
        for side, texts in enumerate((SOURCE, PIVOT))
    ]
    expected = np.concatenate([words.layer(layer) for words in wanted])
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last", "weighted"])
@pytest.mark.parametrize("chunk_rows", [1, 100])
def test_sentences_have_the_vectors_that_encode_gives(encoder, pooling, chunk_rows):
    pair, _ = pair_and_links()
    found = vectors_of(encoder, sentence_examples(encoder, pair, pooling=pooling), 3, chunk_rows)
    expected = encoder.encode([*SOURCE, *PIVOT], layers=[3], pooling=pooling, progress=False).layer(3)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_a_word_in_two_pieces_is_the_mean_of_both_and_not_of_a_prefix_of_the_sentence(encoder):
    """At layer 0 of a model without positions a word's vector is known from its pieces alone."""
    module = encoder.layered.module
    with torch.no_grad():
        module.embeddings.position_embeddings.weight.zero_()
    pair, links = pair_and_links()
    examples, _ = word_examples(encoder, pair, links)
    found = vectors_of(encoder, examples, 0, 100)
    pieces = encoder.tokenizer.convert_tokens_to_ids(["de3", "##1"])
    with torch.no_grad():
        expected = module.embeddings(torch.tensor([pieces]))[0].mean(dim=0)
    torch.testing.assert_close(found[1], expected, atol=1e-6, rtol=0)
    longer = Pair("deu_Latn", "eng_Latn", ("de34 de35 de36 " + SOURCE[0],), (PIVOT[0],))
    moved = [[((start + 15, end + 15), other) for (start, end), other in links[0]]]
    again, _ = word_examples(encoder, longer, moved)
    torch.testing.assert_close(vectors_of(encoder, again, 0, 100)[:2], found[:2], atol=1e-6, rtol=0)


def test_links_of_words_that_are_cut_off_are_left_out(encoder):
    encoder.max_length = 4
    examples, numbers = word_examples(encoder, *pair_and_links())
    assert numbers == [0, 1]
    assert [example.n_vectors for example in examples] == [1, 1]


@pytest.mark.parametrize("family", ["Bert", "XLMRoberta", "Electra"])
def test_blocks_above_the_deepest_layer_do_not_run_and_the_states_are_transformers_own(save_model, family):
    layered = load_encoder(save_model(family=family), device="cpu").layered
    ran: list[int] = []
    for number, block in enumerate(layered.blocks):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    network = AlignedLayers(layered, (1, 2))
    ids, mask = torch.tensor([[0, 5, 7, 2], [0, 9, 2, 1]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    with torch.no_grad():
        states = network([ids], [mask])
    assert ran == [0, 1]
    network.close()
    with torch.no_grad():
        expected = layered.module(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    assert ran == [0, 1, 0, 1, 2, 3]
    for layer, found in zip((1, 2), states, strict=True):
        real = mask.flatten().bool()
        torch.testing.assert_close(found[real], expected[layer].flatten(0, 1)[real], atol=1e-6, rtol=0)


def test_layers_are_the_same_together_and_alone(encoder):
    ids, mask = torch.tensor([[0, 5, 7, 2]]), torch.ones(1, 4, dtype=torch.int64)
    together = AlignedLayers(encoder.layered, (0, 2, 4))
    with torch.no_grad():
        found = together([ids], [mask])
        together.close()
        for layer, states in zip((0, 2, 4), found, strict=True):
            alone = AlignedLayers(encoder.layered, (layer,))
            assert torch.equal(alone([ids], [mask])[0], states)
            alone.close()


def test_gradients_reach_only_what_lies_below_the_deepest_layer(encoder):
    module = encoder.layered.module.requires_grad_(True)
    network = AlignedLayers(encoder.layered, (2,))
    ids = torch.tensor([[0, 5, 7, 2]])
    network([ids], [torch.ones_like(ids)])[0].sum().backward()
    network.close()
    reached = {name for name, value in module.named_parameters() if value.grad is not None}
    assert {name.split(".")[2] for name in reached if name.startswith("encoder.layer.")} == {"0", "1"}
    module.requires_grad_(False)
