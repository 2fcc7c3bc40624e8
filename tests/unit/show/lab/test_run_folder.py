"""Protects a learner from losing the runs of an earlier session."""

from trainee import ARGS

from helpers.show.lab.panel import HyperparameterPanel


def test_runs_survive_a_restart_and_a_broken_file_is_left_out(panel, trainee, tmp_path):
    panel.run()
    panel.run(seed=9)
    (tmp_path / "run_3.json").write_text('{"name": "run')
    again = HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path)
    assert [run.name for run in again.runs] == ["run 1", "run 2"] and again.runs[1].settings["seed"] == 9
    assert "run_3.json is left out" in again._message.value
    assert (tmp_path / "run_3.json").read_text() == '{"name": "run', "what is not ours is never overwritten"
    again.run()
    assert [run.name for run in again.runs][-1] != "run 3" and (
        tmp_path / "run_3.json"
    ).read_text() == '{"name": "run'
