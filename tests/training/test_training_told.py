"""What a training tells while it runs is the learning curve of its record, as far as it is."""

from __future__ import annotations

from telling import Ear
from training_toys import task_of

from flows.training.checkpoints import Checkpoints
from flows.training.outcome import trained_model


def test_every_epoch_is_told_and_a_resumed_training_tells_all_of_them(labels, tmp_path):
    first, again = Ear(), Ear()
    made = trained_model(task_of("dft_ef", "dft", max_epochs=2), labels, Checkpoints(first.shelf(tmp_path)))
    assert [(one.unit, one.done, one.total) for one in first.heard] == [("epoch", 1, 2), ("epoch", 2, 2)]
    for news in first.heard:
        curve = made.learning_curve[: news.done]
        assert news.series == {name: [getattr(one, name) for one in curve] for name in ("epoch", "loss", "energy_meV_atom", "force_meV_A")}
        assert None not in news.series["energy_meV_atom"]
    (tmp_path / max(path.name for path in tmp_path.glob("epoch-*"))).unlink()
    trained_model(task_of("dft_ef", "dft", max_epochs=2), labels, Checkpoints(again.shelf(tmp_path)))
    assert again.heard == first.heard[1:]
