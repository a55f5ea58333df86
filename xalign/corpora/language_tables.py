"""What registries leave open: the member that a macrolanguage stands for, usual scripts, names for pictures."""

#: A language whose plain name or code means several, and the member that parallel corpora mean by it: the FLORES-200
#: code of its usual written standard (NLLB team 2022, table 1), so that corpora from different places meet in one code.
#: Each left side is an ISO 639-3 macrolanguage, or another code for the right side.
CONVENTIONAL_MEMBER = {
    "ara": "arb",  # Standard Arabic is the written norm
    "aym": "ayr",
    "aze": "azj",  # North Azerbaijani, Latin; South is azb
    "cmn": "zho",  # FLORES-200 writes zho for Mandarin; FLORES+ writes cmn
    "din": "dik",
    "ekk": "est",  # FLORES-200 writes est; FLORES+ writes ekk
    "fas": "pes",  # Iranian Persian; Dari is prs
    "fil": "tgl",  # FLORES-200 writes tgl; FLORES+ writes fil
    "ful": "fuv",
    "gug": "grn",  # FLORES-200 writes grn; FLORES+ writes gug
    "kau": "knc",
    "kur": "kmr",  # Northern Kurdish, Latin; Central Kurdish is ckb
    "lav": "lvs",  # Latgalian is ltg
    "mlg": "plt",
    "mol": "ron",  # withdrawn from ISO 639 in favour of ron
    "mon": "khk",
    "msa": "zsm",
    "nep": "npi",
    "nor": "nob",  # Bokmål; Nynorsk is nno
    "ori": "ory",
    "orm": "gaz",
    "pus": "pbt",
    "que": "quy",
    "sqi": "als",  # Tosk is the base of the standard
    "swa": "swh",
    "uzb": "uzn",
    "yid": "ydd",
}

#: Codes that name several written standards with no usual one, and what to write instead.
AMBIGUOUS = {
    "hbs": ("srp_Cyrl", "srp_Latn", "hrv_Latn", "bos_Latn"),
    "mis": (),
    "mul": (),
    "und": (),
    "zxx": (),
}

#: The usual script where the likely subtags know none, or know another than written corpora use.
USUAL_SCRIPT = {
    "ang": "Latn",
    "azb": "Arab",
    "ber": "Latn",
    "cbk": "Latn",
    "cjk": "Latn",
    "crh": "Latn",
    "dik": "Latn",
    "ile": "Latn",
    "kor": "Hang",
    "lfn": "Latn",
    "lus": "Latn",
    "max": "Latn",
    "mhr": "Cyrl",
    "nov": "Latn",
    "orv": "Cyrl",
    "swg": "Latn",
    "twi": "Latn",
    "tzl": "Latn",
}

#: Names for pictures where the registry's is long, or not the one the field reads.
NAMES = {
    "als": "Albanian",
    "arb": "Arabic",
    "azj": "Azerbaijani",
    "ben": "Bengali",
    "gaz": "Oromo",
    "khk": "Mongolian",
    "luo": "Luo",
    "lvs": "Latvian",
    "npi": "Nepali",
    "ory": "Odia",
    "pes": "Persian",
    "plt": "Malagasy",
    "prs": "Dari",
    "swh": "Swahili",
    "uzn": "Uzbek",
    "ydd": "Yiddish",
    "zsm": "Malay",
}

#: Names of scripts, likewise.
SCRIPT_NAMES = {"Beng": "Bengali", "Hang": "Hangul", "Hans": "Simplified Han", "Hant": "Traditional Han"}

#: Scripts that stand in a name by themselves: "Chinese (Simplified)", not "Chinese (Simplified Han script)".
STYLES = {"Hans": "Simplified", "Hant": "Traditional"}
