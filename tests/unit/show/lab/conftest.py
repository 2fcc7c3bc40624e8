"""The panel that the tests of the lab share, and the training behind it."""

import pytest
from trainee import ARGS, Trainee

from helpers.show.lab.panel import HyperparameterPanel


@pytest.fixture
def trainee():
    return Trainee()


@pytest.fixture
def panel(trainee, tmp_path):
    return HyperparameterPanel(trainee, ARGS, train_rows=80, eval_rows=1_000, folder=tmp_path)
