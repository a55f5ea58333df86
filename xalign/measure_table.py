"""The table of probes: what a report can measure, a row each."""

import probes
from xalign.measure import Measure
from xalign.needs import (
    a_decoder,
    lexicon_words,
    many_sentences,
    more_sentences_than_dimensions,
    no_transform,
    sentences,
)

COSTLY = 19
"""Draws of a null that each cost as much as the score; the smallest p-value is then .05."""
HUBS = "hub sentences that are near to everything; sentences that share names, digits or punctuation"
TABLE = (
    Measure(
        "cka", probes.linear_cka, chance="0", all_pairs=probes.pairwise_cka, title="CKA",
        asks="Are the sentences of two languages arranged alike, up to rotation, scale and offset? (debiased)",
        bounds="about -1 to 1; 1 is the same arrangement",
        fooled_by="one dominant dimension (read ANC beside it); an offset between languages goes unseen",
    ),
    Measure(
        "cka_biased", probes.linear_cka, options={"estimator": "biased"}, all_pairs=probes.pairwise_cka,
        title="CKA (biased)", chance="tr K tr L / ((n - 1) ‖K‖ ‖L‖): far above 0 when n < d",
        asks="The same with the usual biased estimator, for comparison with published numbers.",
        bounds="0 to 1", fooled_by="few sentences: independent data give .89 at n = 100, d = 768",
    ),
    Measure(
        "anc", probes.average_neuronwise_correlation, chance="0", all_pairs=probes.pairwise_anc, title="ANC",
        asks="Does each neuron vary alike in two languages? (mean signed correlation)",
        bounds="-1 to 1", fooled_by="a rotation between languages lowers it; sentence length raises it",
    ),
    Measure(
        "anc_absolute", probes.average_neuronwise_correlation, options={"absolute": True}, title="ANC (absolute)",
        chance="sqrt(2 / (pi (n - 1)))", all_pairs=probes.pairwise_anc,
        asks="The same with absolute correlations.", bounds="0 to 1",
        fooled_by="few sentences: the floor is .080 at n = 100",
    ),
    Measure(
        "retrieval", probes.retrieval_accuracy, chance="1/n", title="Retrieval P@1",
        asks="Is a sentence's nearest neighbour in the other language its translation? (P@1, mean of both directions)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "mrr", probes.mean_reciprocal_rank, chance="(1 + 1/2 + ... + 1/n) / n", title="Reciprocal rank",
        asks="How far down the list of neighbours stands the translation? (mean reciprocal rank, both directions)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "mutual", probes.mutual_retrieval, chance="1/(2n - 1)", title="Mutual retrieval",
        asks="Are a sentence and its translation each other's nearest neighbours? (MEXA's rule)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "strong", probes.strong_alignment, chance="1/(2n - 1)", title="Strong alignment",
        asks="Is the translation nearer than every other sentence of both languages? (strong alignment)",
        bounds="0 to 1", fooled_by="an offset between languages takes it to 0 however well meanings match",
    ),
    Measure(
        "csls", probes.csls_retrieval, chance="1/n", title="CSLS retrieval",
        needs=(sentences(10, "for its 10 neighbours"),),
        asks="Retrieval after discounting hubs (CSLS, k = 10, both directions).", bounds="0 to 1",
        fooled_by="fewer sentences than about ten times k",
    ),
    Measure(
        "margin", probes.margin_retrieval, options={"margin": "distance"}, chance="1/n",
        symmetric=False, title="Margin retrieval",
        asks="Retrieval among the 4 nearest by margin (distance form, pivot to language); 1 - xsim error.",
        bounds="0 to 1",
        fooled_by="a translation outside the 4 nearest by cosine can never be found",
    ),
    Measure(
        "cosine", probes.pair_cosine, title="Cosine of pairs", all_pairs=probes.pairwise_cosine,
        chance="the mean cosine of pairs that are not translations",
        asks="How near is a sentence to its translation? (mean cosine)", bounds="-1 to 1",
        fooled_by="anisotropy: in many models random pairs have .9 too",
    ),
    Measure(
        "neurons", probes.mutual_retrieval, reads="nas", chance="1/(2n - 1)", title="NeuronXA (NAS)",
        asks="Do translations fire the same feed-forward neurons? (NeuronXA on activation states, NAS)",
        bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "neurons_nav", probes.mutual_retrieval, reads="nav", chance="1/(2n - 1)", title="NeuronXA (NAV)",
        asks="The same on the neurons' absolute values (NAV).", bounds="0 to 1", fooled_by=HUBS,
    ),
    Measure(
        "rbf_cka", probes.rbf_cka, title="RBF CKA", chance="0",
        asks="Are the same sentences near each other in both? (debiased CKA, Gaussian kernel of median width)",
        bounds="about -1 to 1; 1 is the same arrangement",
        fooled_by="a wide kernel repeats linear CKA, a very narrow one sees noise; an offset goes unseen",
    ),
    Measure(
        "rsa", probes.rsa, title="RSA", chance="0",
        asks="Are dissimilarities of sentences ranked alike in two languages? (Spearman, correlation distance)",
        bounds="-1 to 1", fooled_by="sentence length or topic, which order distances in both languages",
    ),
    Measure(
        "mutual_knn", probes.mutual_knn, title="Mutual kNN", chance="10 / (n - 1)",
        needs=(sentences(11, "for 10 neighbours beside itself"),),
        asks="How many of a sentence's 10 nearest in its own language are the same in the other?",
        bounds="0 to 1", fooled_by="few sentences; near-duplicates; shared names and digits",
    ),
    Measure(
        "cknna", probes.cknna, title="CKNNA", chance="the mean over all permutations, near 10 / (n - 1)",
        needs=(sentences(11, "for 10 neighbours beside itself"),),
        asks="Do two languages agree on how near their common neighbours are? (CKA over mutual neighbours)",
        bounds="at most 1, rarely below 0", fooled_by="as mutual_knn; a few very close pairs weigh most",
    ),
    Measure(
        "mean_cca", probes.mean_cca, title="Mean CCA", at_most=COSTLY, needs=(more_sentences_than_dimensions,),
        asks="Do linear combinations of one language's dimensions follow the other's?", bounds="0 to 1",
        chance="Wachter's law: .44 at n = 1004, d = 256",
        fooled_by="few sentences per dimension; directions of no variance count as much as any",
    ),
    Measure(
        "svcca", probes.svcca, title="SVCCA", at_most=COSTLY,
        asks="The same for the directions that hold 99 % of variance.", bounds="0 to 1",
        chance="Wachter's law for the kept directions",
        fooled_by="few sentences; a jump in how many directions are kept",
    ),
    Measure(
        "pwcca", probes.pwcca, title="PWCCA", at_most=COSTLY, symmetric=False, needs=(more_sentences_than_dimensions,),
        asks="The same as mean_cca, weighted by how much of the pivot lies along each direction.", bounds="0 to 1",
        chance="as mean_cca", fooled_by="few sentences; it weighs by the first language only",
    ),
    Measure(
        "procrustes", probes.procrustes, title="Procrustes", at_most=COSTLY,
        asks="How well does a rotation lay one language on the other?", bounds="0 to 1",
        chance="a random rotation of the same spectra", fooled_by="n below d; a few dominant directions",
    ),
    Measure(
        "orthogonality", probes.orthogonality_deviation, title="Orthogonality deviation", lower=True, below=True,
        at_most=COSTLY, symmetric=False,
        asks="Does the best linear map between two languages keep inner products?", bounds="0 up; lower is closer",
        chance="root of the expected square for unrelated sentences",
        fooled_by="noise shrinks the map; differences of scale; directions of little variance",
    ),
    Measure(
        "subspace", probes.subspace_distance, title="Subspace distance", lower=True, below=True, at_most=COSTLY,
        asks="Do two languages vary along the same directions? (mean principal angle, 90 % of variance)",
        bounds="0 to pi/2; lower is closer", chance="random subspaces of as many directions",
        fooled_by="directions that dominate in every language of a model; it sees no matching of sentences",
    ),
    Measure(
        "transliteration", probes.matched_random, title="Transliteration gain", reads="romanised", chance="0",
        needs=(no_transform,),
        spared=many_sentences(50_000, "romanising takes about 3 ms a sentence on every run"),
        asks="Does transliteration set translations further apart from other pairs? (gap of cosines, after - before)",
        bounds="-2 to 2, near 0 in practice",
        fooled_by="shared names and digits become identical strings once transliterated", chance_is_floor=False,
    ),
    Measure(
        "isotropy", probes.isotropy, title="Isotropy", below=True, at_most=COSTLY,
        asks="Do a language's vectors point everywhere alike, or into a narrow cone?",
        bounds="0 to 1; 1 prefers no direction", chance="the mean score of random directions with rows as long",
        fooled_by="longer vectors lower it: compare layers with the null",
    ),
    Measure(
        "outlier_dimensions", probes.outlier_dimensions, title="Outlier dimensions", lower=True, at_most=COSTLY,
        asks="How much of the variance do the three largest dimensions hold?", bounds="0 to 1",
        chance="a little above 3/d", fooled_by="a rotation hides them",
    ),
    Measure(
        "language_identity", probes.language_identity, title="Language identity", lower=True, at_most=COSTLY,
        asks="Can a linear probe tell the language of a sentence it was not trained on? (recall; low is neutral)",
        bounds="0 to 1", chance="1 / number of languages",
        fooled_by="a constant offset is enough: look again after centring",
    ),
    Measure(
        "lape", probes.language_specific_neurons, title="Language-specific neurons", reads="share",
        asks="Whose are the layer's language-specific neurons? (LAPE within the layer; shared neurons count in parts)",
        bounds="0 to 1; adds up to 1 over languages", chance="1 / languages",
        fooled_by="1 % of the neurons are always kept, specific or not; few neurons a layer make it coarse",
    ),
    Measure(
        "expertise", probes.neuron_expertise, title="Neuron expertise", reads="max",
        asks="Do single neurons tell this language from all others? (mean average precision of their maximum)",
        bounds="0 to 1", chance="expected precision with languages shuffled: a little above 1 / languages",
        fooled_by="more tokens a sentence raise every maximum; special tokens put a floor under it",
    ),
    Measure(
        "pool", probes.multilingual_pool, title="Multilingual pool mAP",
        spared=many_sentences(20_000, "it compares every sentence of all languages with every other at each layer"),
        asks="Do translations in all languages rank above everything else in one pool? (mean average precision)",
        bounds="0 to 1", chance="q + (1 - q) H_N / N with q = (R - 1) / (N - 1), R right of N",
        fooled_by="languages that cluster take score and null below chance: read it beside the null",
    ),
    Measure(
        "word_retrieval", probes.word_retrieval, title="Word retrieval", reads="words", chance="1 / words",
        needs=(lexicon_words, no_transform),
        asks="Is a word's nearest among all words of the other language its translation? (in context, CSLS, k = 10)",
        bounds="0 to 1", fooled_by="words written alike; a small lexicon makes few rivals",
    ),
    Measure(
        "calign", probes.concept_alignment, title="Concept alignment", reads="words", symmetric=False,
        needs=(lexicon_words, no_transform), chance="mean over shuffled dictionaries",
        asks="Do the words of a cluster translate into one cluster of the other language? (CALIGN, theta .5)",
        bounds="0 to 1", fooled_by="clusters of few words; the number of clusters; a small lexicon",
    ),
    Measure(
        "colap", probes.concept_overlap, title="Concept overlap", reads="words", needs=(lexicon_words, no_transform),
        asks="Do joint clusters of words hold both languages? (COLAP, theta .3)", bounds="0 to 1",
        chance="what perfectly mixed languages give: a ceiling, not a floor",
        fooled_by="clusters by sentence rather than by meaning; its p-value asks for more than perfect mixing",
        chance_is_floor=False,
    ),
    Measure(
        "logit_lens", probes.language_probabilities, title="Logit lens", reads="lens", needs=(a_decoder, no_transform),
        symmetric=False,
        asks="How probable is, at this layer, the answer to a word translation in its language? (decoders)",
        bounds="0 to 1", chance="mean probability of the answers to other prompts",
        fooled_by="words written alike; tokens of one letter or byte; early layers are not in the output's basis",
    ),
)  # fmt: skip
