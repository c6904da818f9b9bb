import numpy as np

from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.subspace import spectrum
from unlearn_core.views.spectra import rank_table, sizes_text, spectra_figure, spectra_rows


def test_spectra_are_normalised_and_agree_with_the_subspace_module(comparison):
    run = comparison.runs["original"]
    sets = split(load_dataset(run.config.data), run.config.forget)
    table = spectra_rows(run, sets)
    records = run.records()
    expected = spectrum(records.features[sets.forget[records.example_ids]])
    shares = table[table["set"] == "forget"]["share"].to_numpy()
    np.testing.assert_allclose(shares, (expected / expected.sum())[: len(shares)])
    assert table["effective_rank"].between(1, records.features.shape[1]).all()
    assert sizes_text(table) == f"{sets.forget.sum()} of D_f, {sets.retain.sum()} of D_r"
    assert list(rank_table(table)["Model"]) == ["Original"]
    assert len(spectra_figure(table).data) == 2
