"""Build the wheel, install it into an empty folder and use it from elsewhere: what a user of the package gets.

Run by `make test` as a script; it builds a package, so it is not collected with the tests.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
USE = """
import sys
import probes, selection, xalign
from pathlib import Path
home = Path(sys.argv[1]).resolve()
for package in (probes, selection, xalign):
    if not Path(package.__file__).resolve().is_relative_to(home):
        sys.exit(f"{package.__name__} came from {package.__file__}, not from the wheel in {home}")
report = xalign.probe(languages=["deu_Latn", "swh_Latn"], n_permutations=20, n_resamples=20, cache=False)
page = report.save("out") / "report.html"
best = report.best_layers.set_index("probe")["score"]
if not (page.is_file() and best["retrieval"] > 0.05):
    sys.exit(f"the installed package does not probe: page {page.is_file()}, scores {best.to_dict()}")
print(f"the wheel works outside the checkout: retrieval {best['retrieval']:.2f}")
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, elsewhere, wheels = (Path(folder) / name for name in ("site", "elsewhere", "wheels"))
        elsewhere.mkdir()
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
        subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, PROJECT], check=True)
        (wheel,) = wheels.glob("*.whl")
        subprocess.run([*pip, "install", "--no-deps", "--target", home, wheel], check=True)
        environment = os.environ | {"PYTHONPATH": str(home), "HF_HUB_OFFLINE": "1", "MPLBACKEND": "agg"}
        subprocess.run([sys.executable, "-c", USE, home], check=True, cwd=elsewhere, env=environment)


if __name__ == "__main__":
    main()
