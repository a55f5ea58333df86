"""The page says what the report says, escapes what it is given, and works in a browser without a network."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import xalign
from xalign.figures import draw_pictures
from xalign.report_cells import fact_sections, score_table, summary_table
from xalign.report_page import GuideRow, ReportData, render_report, write_report
from xalign.report_words import find, lede

GUIDE = (GuideRow("cka", "Same geometry?", "about 0 to 1", "0", "A shared outlier dimension."),)
LOADING = ("src", "href", "srcset", "action", "data", "poster", "background")


class Page(HTMLParser):
    """Tags with their attributes, and each table's cells by the id of the box it stands in."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.words: list[str] = []
        self._box = ""
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if (dict(attrs).get("id") or "").endswith("-box"):
            self._box = str(dict(attrs)["id"])[:-4]
            self.tables[self._box] = []
        if tag == "tr" and self._box:
            self.tables[self._box].append([])
        if tag in ("td", "th") and self._box and self.tables[self._box]:
            self.tables[self._box][-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("td", "th")
        self._box = "" if tag == "table" else self._box

    def handle_data(self, data):
        self.words.append(data)
        if self._cell:
            self.tables[self._box][-1][-1] += data

    def rows(self, name: str) -> list[list[str]]:
        return self.tables[name][1:]


@pytest.fixture
def small(report_table) -> pd.DataFrame:
    return report_table(
        languages=["eng_Latn", "deu_Latn", "swh_Latn", "yor_Latn"], n_layers=4, probes=["cka", "retrieval"]
    )


def test_nothing_on_the_page_is_loaded_from_elsewhere(small, confound_table):
    text = render_report(ReportData(small, pictures=draw_pictures(small), confounds=confound_table, guide=GUIDE))
    page = Page(text)
    addresses = [str(attrs[name]) for _, attrs in page.tags for name in LOADING if name in attrs]
    assert len([address for address in addresses if address.startswith("data:image/png;base64,")]) == 5
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in addresses)
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object", "embed", "base")]
    assert not re.search(r"url\(|@import|https?://", text)


def test_the_policy_forbids_loading_and_knows_the_pages_own_script_alone(small):
    text = render_report(ReportData(small))
    (policy,) = [attrs["content"] for tag, attrs in Page(text).tags if "http-equiv" in attrs]
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}';" in policy


def test_pictures_stand_in_the_page_byte_for_byte(small):
    pictures = draw_pictures(small)
    sources = [
        attrs["src"] for tag, attrs in Page(render_report(ReportData(small, pictures=pictures))).tags if tag == "img"
    ]
    assert [base64.b64decode(source.split(",")[1]) for source in sources] == [picture.png for picture in pictures]


def test_every_row_of_the_table_is_on_the_page(small):
    rows = Page(render_report(ReportData(small))).rows("scores")
    shown = {(row[0], row[1].split()[-1], row[2], row[3].replace("−", "-")) for row in rows}
    expected = {(str(r.layer), r.target, r.probe, f"{r.score:.4f}") for r in small.itertuples()}
    assert len(rows) == len(small)
    assert shown == expected


def test_the_summary_holds_means_and_stars_each_probes_best_layer(small):
    table = summary_table(small)
    means = small.groupby(["layer", "probe"])["score"].mean().unstack()[["cka", "retrieval"]]
    for row in table.rows:
        for text, probe in zip(row[1:], means.columns, strict=True):
            assert text.startswith(f"{means.loc[int(row[0]), probe]:.3f}")
            assert ("★" in text) == (int(row[0]) == means[probe].idxmax())
    assert table.foot == ("chance", "0.000", "0.010")


def test_the_made_up_confounds_have_the_columns_of_a_report(confound_table):
    text = xalign.load_corpus(languages=["eng_Latn", "deu_Latn"], limit=8)
    fast = {"n_permutations": 19, "n_resamples": 10, "cache": False, "progress": False}
    assert list(confound_table.columns) == list(xalign.probe(None, text, probes="cka", **fast).confounds.columns)


def test_confounds_name_each_language_once_and_say_what_is_not_known(small, confound_table):
    page = Page(render_report(ReportData(small, confounds=confound_table)))
    (rows,) = (rows for name, rows in page.tables.items() if "confound" in name)
    by_language = {row[0].split()[-1]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert [sum("Swahili" in cell for cell in row.values()) for row in by_language.values()].count(1) == 1
    assert by_language["eng_Latn"]["identical token share"] == by_language["tha_Thai"]["fertility"] == "–"
    assert not any("name" in heading for heading in rows[0])


def test_everything_given_is_escaped(small, confound_table):
    evil = "<script>alert('x')</script>"
    named = small.replace({"target": {"swh_Latn": evil}}).assign(model=evil)
    data = ReportData(
        named,
        guide=(GuideRow(evil, evil, evil, evil, evil),),
        confounds=confound_table.replace({"language": {"swh_Latn": evil}}),
        warnings=(evil,),
        run={evil: evil, "arguments": {evil: [evil]}},
        table_file=evil,
    )
    text = render_report(data)
    assert evil not in text
    assert "&lt;script&gt;alert" in text
    assert len([tag for tag, _ in Page(text).tags if tag == "script"]) == 1


def test_a_name_cannot_end_the_block_of_lazy_rows(report_table):
    evil = "</script><b>"
    table = report_table(pivot=None).replace({"target": {"swh_Latn": evil}})
    text = render_report(ReportData(table))
    (block,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    rows = json.loads(block)
    assert len(rows) == len(table) > 2000
    assert sum(row[2] == evil for row in rows) == (table["target"] == evil).sum()


def test_too_many_rows_fall_back_to_the_best_layers_and_say_where_the_rest_is(report_table, monkeypatch):
    table = report_table(probes=["cka", "retrieval"])
    monkeypatch.setattr("xalign.report_cells.MAX_ROWS", 60)
    shown = score_table(table, table_file="table.csv")
    assert {row[0] for row in shown.rows} == {"5"}
    assert {row[1].split("\t")[1] for row in shown.rows} == set(table["target"])
    assert shown.note.endswith("best layer: 46 of 322 rows. All of them are in table.csv.")


def test_when_even_the_best_layers_are_too_many_the_extremes_remain(report_table, monkeypatch):
    table = report_table(probes=["cka", "retrieval"])
    monkeypatch.setattr("xalign.report_cells.MAX_ROWS", 12)
    shown = score_table(table, table_file="table.csv")
    best = table[(table["probe"] == "cka") & (table["layer"] == 5)]["score"].round(4).sort_values()
    scores = sorted(float(row[3]) for row in shown.rows if row[2] == "cka")
    assert scores == [*best[:3], *best[-3:]]
    assert "12 of 322 rows" in shown.note


def test_the_same_report_gives_the_same_bytes(small, tmp_path):
    first = write_report(tmp_path / "a.html", ReportData(small, pictures=draw_pictures(small)))
    second = write_report(tmp_path / "b.html", ReportData(small.copy(), pictures=draw_pictures(small)))
    assert first.read_bytes() == second.read_bytes()


def test_a_page_that_cannot_be_made_leaves_the_old_one(small, tmp_path):
    path = write_report(tmp_path / "report.html", ReportData(small))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="lacks"):
        write_report(path, ReportData(small.drop(columns="chance")))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_the_headline_names_layer_interval_and_the_best_and_worst_language(small):
    at_best = small[(small["probe"] == "retrieval") & (small["layer"] == 2)].set_index("target")["score"]
    finding = find(small)[1]
    assert finding.layer == small[small["probe"] == "retrieval"].groupby("layer")["score"].mean().idxmax() == 2
    assert finding.score == pytest.approx(at_best.mean())
    names = {"deu_Latn": "German", "swh_Latn": "Swahili", "yor_Latn": "Yoruba"}
    assert finding.best == f"{names[at_best.idxmax()]}\u00a0{at_best.max():.2f}".replace("0.", ".")
    assert finding.worst == f"{names[at_best.idxmin()]}\u00a0{at_best.min():.2f}".replace("0.", ".")
    assert finding.interval_text.endswith("chance .01")


def test_the_lede_tells_whether_the_probes_agree_on_a_layer(small):
    together = lede(small, find(small))
    assert together.startswith(
        "At layer 2 of 3, xalign-mini aligns English with German, Swahili and Yoruba best: all 2 probes"
    )
    moved = small.copy()
    moved.loc[(moved["probe"] == "cka") & (moved["layer"] == 3), "score"] += 1.0
    assert "depends on the probe: CKA at layer 3 and Retrieval P@1 at layer 2." in lede(moved, find(moved))


def test_a_report_of_nothing_but_nan_says_so(small):
    empty = small.assign(score=np.nan, ci_low=np.nan, ci_high=np.nan)
    assert find(empty) == ()
    assert "No probe gave a number" in render_report(ReportData(empty, pictures=draw_pictures(empty)))


def test_facts_are_sorted_into_sections_and_lists_are_joined():
    sections = fact_sections({"seed": 0, "model": {"revision": None}, "arguments": {"probes": ["cka", "anc"]}})
    assert sections == {"Run": {"seed": "0"}, "Model": {"revision": "–"}, "Arguments": {"probes": "cka, anc"}}


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=400,800",
    "--virtual-time-budget=4000",
    "--dump-dom",
]


def browse(text: str, script: str, folder: Path) -> list:
    """Open the page in Chromium, run a script after it, and return what the script printed.

    The page's policy stays: the script is let in by its own hash, as the page's script is.
    """
    if BROWSER is None:
        pytest.skip("no Chromium on this machine; install chromium to run this test")
    script = f"const lines = [];\n{script}\ndocument.title = JSON.stringify(lines);"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = text.replace("script-src ", f"script-src 'sha256-{digest}' ").replace(
        "</body>", f"<script>{script}</script></body>"
    )
    (folder / "page.html").write_text(text, encoding="utf-8")
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"file://{folder / 'page.html'}"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    (title,) = re.findall(r"<title>(.*?)</title>", found, re.DOTALL)
    return json.loads(html.unescape(title))


COLUMN = """
const box = document.querySelector("#scores-box"), heads = [...box.querySelectorAll("th")];
const at = (title) => heads.findIndex((head) => head.textContent === title);
const column = (title) => [...box.querySelectorAll("tbody tr")].map((row) => row.cells[at(title)].textContent);
const press = (title) => heads[at(title)].querySelector("button").click();
const state = () => heads.map((head) => head.getAttribute("aria-sort"));
"""


@pytest.mark.slow
def test_pressing_a_heading_sorts_numbers_with_missing_ones_last(small, tmp_path):
    scored = small.assign(score=np.linspace(-0.5, 12.0, len(small))[np.random.default_rng(0).permutation(len(small))])
    scored.loc[scored.index[3], "score"] = np.nan
    script = """press("score"); lines.push(column("score"), state());
        heads[at("score")].querySelector("button").focus();
        lines.push(document.activeElement.textContent);
        press("score"); lines.push(column("score"), state());
        press("target"); lines.push(column("target"), state());"""
    down, sorted_down, focused, up, sorted_up, targets, sorted_targets = browse(
        render_report(ReportData(scored)), COLUMN + script, tmp_path
    )
    expected = sorted(scored["score"].dropna(), reverse=True)
    assert down[-1] == up[-1] == "–"
    decimals = 1
    assert [float(text.replace("−", "-")) for text in down[:-1]] == [round(value, decimals) for value in expected]
    assert [float(text.replace("−", "-")) for text in up[:-1]] == [round(value, decimals) for value in expected[::-1]]
    assert (sorted_down[3], sorted_up[3], sorted_targets[1]) == ("descending", "ascending", "ascending")
    assert focused == "score"
    assert [set(states) - {None} for states in (sorted_down, sorted_targets)] == [{"descending"}, {"ascending"}]
    assert targets == sorted(targets)


@pytest.mark.slow
def test_ten_thousand_rows_unroll_filter_and_sort_as_a_whole(report_table, tmp_path):
    table = report_table(pivot=None)
    script = """lines.push(column("score").length);
        press("score"); lines.push(column("score")[0]);
        const search = box.querySelector("input");
        search.value = "swahili yoruba"; search.dispatchEvent(new Event("input")); lines.push(column("score").length);
        const [layer, probe] = box.querySelectorAll("select");
        probe.value = "anc"; probe.dispatchEvent(new Event("change")); lines.push(column("score").length);
        layer.value = "5"; layer.dispatchEvent(new Event("change")); lines.push(column("score"));
        lines.push(box.querySelector("output").textContent);
        search.value = probe.value = layer.value = ""; search.dispatchEvent(new Event("input"));
        box.querySelector(".more").click(); lines.push(column("score").length);"""
    first, top, pair, of_anc, at_five, told, unrolled = browse(
        render_report(ReportData(table)), COLUMN + script, tmp_path
    )
    one = table[(table["source"] == "swh_Latn") & (table["target"] == "yor_Latn")]
    only = one[(one["layer"] == 5) & (one["probe"] == "anc")]["score"].iloc[0]
    assert (first, unrolled) == (500, len(table))
    assert float(top) == round(table["score"].max(), 4)
    assert (pair, of_anc) == (len(one), one["layer"].nunique())
    assert [float(text) for text in at_five] == [round(only, 4)]
    assert told == f"1 of {len(table)} rows"


@pytest.mark.slow
def test_the_page_does_not_scroll_sideways_on_a_phone(small, confound_table, tmp_path):
    pictures = draw_pictures(small)
    inner = render_report(ReportData(small, pictures=pictures, confounds=confound_table, guide=GUIDE))
    script = """document.documentElement.style.width = document.body.style.width = "400px";
        lines.push(document.body.scrollWidth, document.body.clientWidth);"""
    scrolled, width = browse(inner, script, tmp_path)
    assert width == 400
    assert scrolled <= width
