import csv
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.corpora.language_tables import CONVENTIONAL_MEMBER
from xalign.corpora.languages import language_name, resolve_language, script_of
from xalign.errors import UnknownNameError

CODES = """ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn als_Latn amh_Ethi apc_Arab arb_Arab
arb_Latn ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn
ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn
ceb_Latn ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek
eng_Latn epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn
gaz_Latn gla_Latn gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn
hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn
kan_Knda kas_Arab kas_Deva kat_Geor kaz_Cyrl kbp_Latn kea_Latn khk_Cyrl khm_Khmr kik_Latn kin_Latn kir_Cyrl
kmb_Latn kmr_Latn knc_Arab knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn
ltg_Latn ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lvs_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Arab
min_Latn mkd_Cyrl mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nqo_Nkoo
nso_Latn nus_Latn nya_Latn oci_Latn ory_Orya pag_Latn pan_Guru pap_Latn pbt_Arab pes_Arab plt_Latn pol_Latn
por_Latn prs_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Olck scn_Latn shn_Mymr sin_Sinh
slk_Latn slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn
swe_Latn swh_Latn szl_Latn tam_Taml taq_Latn taq_Tfng tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi
tpi_Latn tsn_Latn tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab
uzn_Latn vec_Latn vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zsm_Latn
zul_Latn"""
FLORES = CODES.split()


@given(st.sampled_from(FLORES))
def test_resolving_is_idempotent_from_code_and_from_name(code):
    language = resolve_language(code)
    assert language.code == code
    assert resolve_language(language.name) == language


@given(st.sampled_from(FLORES), st.sampled_from([str.lower, str.upper, str.title, lambda code: code.replace("_", "-")]))
def test_case_and_hyphen_do_not_matter(code, spell):
    assert resolve_language(spell(code)).code == code


def test_all_flores_names_differ():
    assert len({language_name(code) for code in FLORES}) == len(FLORES) == 205


@pytest.mark.parametrize(
    ("spellings", "code"),
    [
        ("swh_Latn swh sw swa Swahili swahili", "swh_Latn"),
        ("zh zh-Hans zh-CN zho_Hans zho chi cmn cmn_Hans Chinese", "zho_Hans"),
        ("zh-TW zh-Hant zho_Hant cmn_Hant", "zho_Hant"),
        ("ar ara arb arb_Arab Arabic", "arb_Arab"),
        ("fa fas per pes Persian Farsi", "pes_Arab"),
        ("ms msa zsm Malay", "zsm_Latn"),
        ("et est ekk", "est_Latn"),
        ("lv lav lvs", "lvs_Latn"),
        ("az aze azj", "azj_Latn"),
        ("sq sqi alb als", "als_Latn"),
        ("he iw heb", "heb_Hebr"),
        ("id in ind Indonesian", "ind_Latn"),
        ("no nb nob nor", "nob_Latn"),
        ("pt pt-BR por", "por_Latn"),
        ("eng-GB_Latn en-US en ENG", "eng_Latn"),
        ("ko kor", "kor_Hang"),
        ("sr srp sr-Cyrl", "srp_Cyrl"),
        ("sr-Latn srp_Latn", "srp_Latn"),
        ("toba_batak bbc", "bbc_Latn"),
        ("ngaju nij", "nij_Latn"),
    ],
)
def test_spellings_meet_in_one_code(spellings, code):
    assert {resolve_language(spelling).code for spelling in spellings.split()} == {code}


def test_the_112_tatoeba_codes_are_112_languages(real_data):
    sources = {
        path.name.split(".")[1].split("-")[0] for path in (real_data / "tatoeba").iterdir() if "-eng." in path.name
    }
    codes = {resolve_language(source).code for source in sources}
    assert len(sources) == len(codes) == 112
    kept = {code[:3] for code in codes} & sources
    assert sources - kept == {"ara", "aze", "cmn", "kur", "mon", "sqi", "uzb", "yid"}


def test_the_flores_files_are_the_codes_of_this_test(real_data):
    assert sorted(path.stem for path in (real_data / "flores200").glob("*.tsv")) == FLORES


def test_conventional_members_are_final():
    assert not set(CONVENTIONAL_MEMBER) & set(CONVENTIONAL_MEMBER.values())
    assert set(CONVENTIONAL_MEMBER.values()) <= {code[:3] for code in FLORES}


@pytest.mark.parametrize(
    ("code", "name", "script"),
    [
        ("swh_Latn", "Swahili", "Latin"),
        ("zho_Hans", "Chinese (Simplified)", "Simplified Han"),
        ("zho_Hant", "Chinese (Traditional)", "Traditional Han"),
        ("arb_Latn", "Arabic (Latin script)", "Latin"),
        ("arb_Arab", "Arabic", "Arabic"),
        ("ben_Beng", "Bengali", "Bengali"),
        ("yue_Hant", "Cantonese", "Traditional Han"),
        ("yue_Hans", "Cantonese (Simplified)", "Simplified Han"),
    ],
)
def test_codes_read_in_words(code, name, script):
    assert (language_name(code), script_of(code)) == (name, script)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("swahilli", "Swahili"),
        ("klingonish", "Klingon"),
        ("xx", "'xx'"),
        ("qqq", "'qqq'"),
        ("deu_Xxxx", "'deu_Xxxx'"),
        ("", "''"),
        ("hbs", "srp_Cyrl, srp_Latn, hrv_Latn, bos_Latn"),
        ("und", "one written language"),
    ],
)
def test_unknown_and_ambiguous_names_are_refused_with_the_nearest(name, said):
    with pytest.raises(UnknownNameError, match="language must be") as caught:
        resolve_language(name)
    assert said in str(caught.value)


def test_a_guessed_script_is_said(caplog):
    assert resolve_language("tlh").code == "tlh_Latn"
    assert "tlh; Latin is assumed" in caplog.text


def test_importing_corpora_loads_nothing_heavy():
    check = "import sys, xalign.corpora; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "transformers", "pandas", "datasets", "pyarrow", "langcodes", "language_data"} & set(loaded)
    assert csv.__name__ in loaded
