"""Tables of features: the embedded one equals its sources, exceptions are told, gaps are named."""

import numpy as np
import pytest

from xalign.embedded import corpus_folder
from xalign.errors import CorpusError, SettingError, UnknownNameError
from xalign.typology import (
    KINDS,
    MissingFeaturesError,
    families,
    load_typology,
    resource_levels,
    scripts,
    typology_distances,
)
from xalign.typology.embed import embed
from xalign.typology.embedded_table import embedded_folder, encoded
from xalign.typology.stand_ins import STAND_INS

OWN = sorted(path.stem for path in corpus_folder().glob("*.tsv"))
IN_GRAMBANK = [language for language in OWN if language not in ("deu_Latn", "spa_Latn", "ben_Beng", "yor_Latn")]


@pytest.fixture(scope="session")
def typology(real_data):
    if not (real_data / "typology" / "feature_predictions.npz").is_file():
        pytest.skip("no typology files in the real data")
    return real_data / "typology"


@pytest.fixture(scope="session")
def flores(real_data):
    return sorted(path.stem for path in (real_data / "flores200").glob("*.tsv"))


@pytest.mark.parametrize("kind", ["uriel.syntax", "uriel.phonology", "uriel.inventory", "uriel.genetic"])
def test_the_embedded_table_equals_its_source_for_all_of_flores(kind, typology, flores):
    own, source = load_typology(kind, flores, source="embedded"), load_typology(kind, flores, folder=typology)
    assert own.features == source.features
    np.testing.assert_array_equal(own.values, source.values)
    assert own.stand_ins == source.stand_ins
    assert ("npz" in source.source, "npz" in own.source) == (True, False)


@pytest.mark.parametrize(("kind", "languages"), [("wals", OWN), ("grambank", IN_GRAMBANK)])
def test_embedded_categories_equal_their_source(kind, languages, typology):
    own, source = load_typology(kind, languages, source="embedded"), load_typology(kind, languages, folder=typology)
    assert own.features == source.features
    np.testing.assert_array_equal(own.values, source.values)


def test_the_same_files_give_the_table_that_ships(real_data, typology, tmp_path):
    pytest.importorskip("urielplus")
    embed(real_data, tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (embedded_folder() / path.name).read_bytes(), path.name


def test_predicted_features_agree_with_attested_ones_where_both_are(flores):
    pytest.importorskip("urielplus")
    languages = [name for name in OWN if name not in ("arb_Arab", "tam_Taml")]
    predicted = load_typology("uriel.phonology", languages, source="embedded")
    attested = load_typology("uriel.phonology", languages, source="urielplus")
    assert predicted.features == attested.features
    both = ~np.isnan(attested.values)
    assert (predicted.values == attested.values)[both].mean() > 0.9
    assert not np.isnan(predicted.values).any()


def test_coordinates_of_glottolog_and_wals_lie_near_each_other(typology):
    own = load_typology("uriel.geographic", OWN, source="embedded")
    wals = load_typology("uriel.geographic", OWN, source="folder", folder=typology)
    assert "WALS" in wals.source
    assert np.median(np.abs(own.values - wals.values)) < 1.5


def test_kin_are_near_in_every_kind_that_knows_kin():
    for kind in ("uriel.syntax", "uriel.inventory", "uriel.genetic", "uriel.geographic"):
        values = typology_distances(load_typology(kind, ["deu_Latn", "eng_Latn", "jpn_Jpan"])).values
        assert values[0, 1] < min(values[0, 2], values[1, 2]), kind


def test_genetic_distance_is_one_less_the_share_of_ancestors():
    table = load_typology("uriel.genetic", ["fra_Latn", "spa_Latn", "eus_Latn", "jpn_Jpan"])
    fra, spa = (set(np.array(table.features)[row > 0]) for row in table.values[:2])
    found = typology_distances(table)
    assert found.values[0, 1] == pytest.approx(1 - len(fra & spa) / np.sqrt(len(fra) * len(spa)))
    assert (found.values[2, [0, 1, 3]] == 1).all()
    jaccard = typology_distances(table, metric="jaccard")
    assert jaccard.values[0, 1] == pytest.approx(1 - len(fra & spa) / len(fra | spa))


def test_two_isolates_are_no_kin():
    pytest.importorskip("urielplus")
    assert typology_distances(load_typology("uriel.genetic", ["eus_Latn", "bsk_Arab"])).values[0, 1] == 1


def test_a_language_read_under_another_code_is_told_in_table_and_distances():
    table = load_typology("uriel.syntax", ["lvs_Latn", "lit_Latn", "eng_Latn"])
    assert table.stand_ins == {"lvs_Latn": "lav"}
    assert "lvs_Latn as lav" in typology_distances(table, minimum_shared=5).source


def test_no_stand_in_needs_another_and_none_stands_for_itself():
    for exceptions in STAND_INS.values():
        assert not set(exceptions) & set(exceptions.values())


def test_script_is_read_from_the_code():
    found = typology_distances(load_typology("script", ["eng_Latn", "swh_Latn", "rus_Cyrl"]))
    assert found.values.tolist() == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    assert scripts(["eng_Latn", "rus_Cyrl"]) == ("Latn", "Cyrl")


def test_spellings_are_looked_up():
    assert load_typology("script", ["sw", "Russian"]).languages == ("swh_Latn", "rus_Cyrl")


def test_families_are_those_of_glottolog(typology, flores):
    some = families(["eng_Latn", "swh_Latn", "eus_Latn", "zho_Hans", "lvs_Latn"])
    assert some == ("Indo-European", "Atlantic-Congo", "Basque", "Sino-Tibetan", "Indo-European")
    assert families(flores) == families(flores, folder=typology, source="folder")


def test_resources_follow_joshi():
    high = ["eng_Latn", "spa_Latn", "deu_Latn", "jpn_Jpan", "fra_Latn", "arb_Arab", "zho_Hans"]
    assert set(resource_levels(high)) == {2}
    assert resource_levels(["fin_Latn", "yor_Latn", "est_Latn"]) == (1, 0, 1)


def test_languages_without_features_are_named():
    with pytest.raises(MissingFeaturesError, match="deu_Latn, ben_Beng") as caught:
        load_typology("grambank", ["eng_Latn", "deu_Latn", "ben_Beng"], source="embedded")
    assert caught.value.languages == ("deu_Latn", "ben_Beng")


def test_a_folder_that_lacks_a_language_passes_on_to_a_source_that_has_all(typology):
    table = load_typology("uriel.geographic", ["eng_Latn", "dzo_Tibt"], folder=typology)
    assert "Glottolog" in table.source
    with pytest.raises(MissingFeaturesError, match="dzo_Tibt"):
        load_typology("uriel.geographic", ["eng_Latn", "dzo_Tibt"], folder=typology, source="folder")


def test_bad_requests_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match=r"did you mean 'uriel.syntax'"):
        load_typology("uriel.synta", ["eng_Latn"])
    with pytest.raises(UnknownNameError, match="eng_Latn again"):
        load_typology("script", ["eng_Latn", "eng"])
    with pytest.raises(UnknownNameError, match="at least one"):
        load_typology("script", [])
    with pytest.raises(SettingError, match="where folder is given"):
        load_typology("uriel.syntax", ["eng_Latn"], source="folder")
    with pytest.raises(SettingError, match="where folder is given"):
        load_typology("uriel.syntax", ["eng_Latn"], source="embedded", folder=tmp_path)
    with pytest.raises(CorpusError, match="folder of typology files"):
        load_typology("uriel.syntax", ["eng_Latn"], folder=tmp_path / "absent")
    with pytest.raises(CorpusError, match=r"family_features\.npz"):
        load_typology("uriel.genetic", ["eng_Latn"], folder=tmp_path, source="folder")


def test_pickled_and_broken_arrays_are_refused(tmp_path):
    path = tmp_path / "feature_predictions.npz"
    for langs in (np.array(["eng", None], dtype=object), np.array(["eng"])):
        np.savez(path, feats=np.array(["S_A"]), langs=langs, data=np.zeros((2, 1, 1)))
        with pytest.raises(CorpusError, match=r"feats, langs and data"):
            load_typology("uriel.syntax", ["eng_Latn"], folder=tmp_path)
    path.write_bytes(b"")
    with pytest.raises(CorpusError, match="EOFError"):
        load_typology("uriel.syntax", ["eng_Latn"], folder=tmp_path)


def test_attested_values_are_the_union_of_sources_and_gaps_stay_gaps(tmp_path):
    data = np.array([[[-1, 1, 0], [-1, -1, -1], [0, -1, 0]]], dtype=np.float32)
    feats = np.array(["S_YES", "S_UNKNOWN", "S_NO"])
    np.savez(tmp_path / "features.npz", feats=feats, langs=np.array(["eng"]), data=data)
    table = load_typology("uriel.syntax", ["eng_Latn"], folder=tmp_path)
    np.testing.assert_array_equal(table.values, [[1, np.nan, 0]])
    assert table.coverage[0] == pytest.approx(2 / 3)


def test_a_malformed_cell_is_named_with_its_line(tmp_path):
    (tmp_path / "grambank_features.csv").write_text("Lang_ID,GB020\nstan1293,yes\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="line 2: GB020 must be a number"):
        load_typology("grambank", ["eng_Latn"], folder=tmp_path)


def test_values_are_written_as_single_characters():
    assert encoded([0.0, 9.0, 10.0, np.nan, 35.0]) == "09a?z"


def test_every_kind_loads_for_the_languages_that_have_it():
    for kind in KINDS:
        languages = IN_GRAMBANK if kind == "grambank" else OWN
        assert load_typology(kind, languages, source="embedded" if kind != "script" else "auto").coverage.min() > 0.1
