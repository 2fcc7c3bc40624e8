"""Protects a learner from a slider whose name or limits are not the library's."""

import pytest
from transformers import TrainingArguments


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"learning_rat": 1}, TypeError, "No setting is called learning_rat. There are: learning_rate"),
        ({"learning_rate": 5.0}, ValueError, "learning_rate must lie between"),
        ({"train_size": 1_000}, ValueError, "train_size must lie between"),
        ({"lr_scheduler_type": "nope"}, ValueError, "lr_scheduler_type does not take 'nope'"),
    ],
)
def test_wrong_settings_are_refused_before_training(panel, trainee, settings, error, message):
    with pytest.raises(error, match=message):
        panel.run(**settings)
    assert trainee.calls == [] and not panel.training


def test_every_control_is_named_as_the_library_names_it(panel):
    import dataclasses

    fields = {field.name for field in dataclasses.fields(TrainingArguments)} | {"train_size"}
    assert set(panel.controls.widgets) <= fields
    assert all(widget.description == name for name, widget in panel.controls.widgets.items())
