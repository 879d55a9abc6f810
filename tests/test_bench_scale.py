"""`gdfast bench --scale`: its rows, on small files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from commands import done
from gdfast.bench import scale, scale_rivals
from gdfast.bench.verify import DisagreementError


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of rivals
def test_the_rows_are_measured_and_written(tmp_path: Path) -> None:
    printed = done("bench", "--scale", "--quick", "--output", tmp_path / "scale.json")
    assert "of pyarrow alone" in printed
    rows = {row["name"]: row for row in json.loads((tmp_path / "scale.json").read_text())["rows"]}
    assert rows.keys() == {*scale.OWN, *(rival.name for rival in scale_rivals.RIVALS)}
    assert rows["pyarrow alone"]["of_reading"] == 1
    for rival in scale_rivals.RIVALS:
        if rival.installed and not rows[rival.name]["remark"].startswith("fails"):
            assert rows[rival.name]["seconds"] > 0
            assert 0 < rows[rival.name]["error"] < 0.5
    assert 0 < rows["SGDRegressor.partial_fit"]["error"] < 0.5


def test_what_is_not_installed_or_fails_has_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(paths: Any) -> Any:
        raise OSError("no pages\nat all")

    rivals = (
        scale_rivals.Rival("absent", "no_such_module", "no-such-package", broken, ""),
        scale_rivals.Rival("broken", "sklearn", "scikit-learn", broken, ""),
    )
    monkeypatch.setattr(scale, "RIVALS", rivals)
    rows = {row.name: row for row in scale.run(scale.Sizes(2, 1_000), lambda _: None)}
    assert rows["absent"].remark == "not installed: no-such-package"
    assert rows["broken"].remark == "fails: OSError: no pages"
    assert rows["broken"].seconds is None


def test_a_rival_that_says_it_is_optimal_and_is_not_stops_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = scale_rivals.Rival("wrong", "sklearn", "scikit-learn", lambda _: np.zeros(20), "", optimal=True)
    monkeypatch.setattr(scale, "RIVALS", (wrong,))
    with pytest.raises(DisagreementError, match="gdfast and wrong differ by"):
        scale.run(scale.Sizes(1, 1_000), lambda _: None)
