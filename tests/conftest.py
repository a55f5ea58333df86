"""What every test shares: no network, shape checks on, a place for real data."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["MPLBACKEND"] = "agg"

import jaxtyping
import pytest

jaxtyping.install_import_hook(["probes", "selection", "xalign"], "beartype.beartype")

DATA = Path(os.environ.get("XALIGN_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real text; a test that asks for it is skipped where the folder is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no real data at {DATA}; set XALIGN_DATA to run this test")
    return DATA


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch):
    """Switch the shape checks off, to see the message a user would see."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
