"""Protects a learner from two runs whose rows look alike."""

from helpers.show.lab.run_list import describe, differing_settings
from helpers.train.runs import Run


def test_rows_say_only_what_differs():
    a, b = (
        Run("a", settings={"seed": 1, "learning_rate": 1e-4}),
        Run("b", settings={"seed": 2, "learning_rate": 1e-4, "output_dir": "x"}),
    )
    assert differing_settings([a, b], ["learning_rate", "seed"]) == ["seed"]
    a.start(), a.log(1, 1.5), a.log_evaluation(1, 1.4, accuracy=0.5), a.end()
    assert (
        describe(a, ["seed"]) == "accuracy 0.500 · seed 1 · training loss 1.50 · validation loss 1.40 · 0 s"
    )
    a.settings["eval_size"] = 100
    assert "accuracy 0.500 ± 0.050" in describe(a, ["seed"])
