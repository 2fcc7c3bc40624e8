"""Protects a learner from figures about many devices that PyTorch itself would contradict."""

import pytest
import torch
import torch.distributed as dist
from transformers import AutoModelForSequenceClassification, BertConfig, MistralConfig

from helpers.train import scale

TINY = BertConfig(
    vocab_size=100, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16
)
TINY.num_labels = 5


@pytest.fixture(scope="module")
def trained():
    """Return a tiny model and its optimizer after one step."""
    model = AutoModelForSequenceClassification.from_config(TINY)
    return model, one_step(model, input_ids=torch.arange(12)[None], labels=torch.tensor([1]))


def one_step(model, *inputs, **named):
    optimizer = torch.optim.AdamW(model.parameters())
    output = model(*inputs, **named)
    (output.loss if named else output.sum()).backward()
    optimizer.step()
    return optimizer


def size(tensors):
    """Return the bytes of the tensors that lie in this process."""
    local = [tensor.to_local() if hasattr(tensor, "to_local") else tensor for tensor in tensors]
    return sum(tensor.numel() * tensor.element_size() for tensor in local)


def optimizer_numbers(optimizer):
    """AdamW's tables, without the counter of the steps: four bytes for each table of weights."""
    return [value for state in optimizer.state.values() for name, value in state.items() if name != "step"]


def test_memory_is_what_a_trained_model_holds(trained):
    """A forgotten optimizer is the usual reason why a model that 'fits' does not."""
    model, optimizer = trained
    held = scale.memory(scale.count_weights(TINY), "DDP", 1)
    assert held.weights == size(model.parameters())
    assert held.gradients == size(parameter.grad for parameter in model.parameters())
    assert held.optimizer == size(optimizer_numbers(optimizer))
    assert held.total == held.weights + held.gradients + held.optimizer


@pytest.fixture
def process_group():
    """Make a group of the backend and size asked for, of which this process is the first."""

    def start(backend, processes, store):
        dist.init_process_group(backend, rank=0, world_size=processes, store=store)

    yield start
    dist.destroy_process_group()


def test_fsdp_leaves_each_process_its_part(process_group):
    """Four processes are pretended: PyTorch's "fake" group divides as a real one does, and sends nothing."""
    fake = pytest.importorskip("torch.testing._internal.distributed.fake_pg")
    process_group("fake", 4, fake.FakeStore())
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 64))
    weights = sum(parameter.numel() for parameter in model.parameters())
    mesh = dist.device_mesh.init_device_mesh("cpu", (4,))
    fsdp = pytest.importorskip("torch.distributed.fsdp")
    optimizer = one_step(fsdp.fully_shard(model, mesh=mesh), torch.ones(2, 64))

    kept = scale.memory(weights, "FSDP", 4)
    assert kept.weights == size(model.parameters())
    assert kept.gradients == size(parameter.grad for parameter in model.parameters())
    assert kept.optimizer == size(optimizer_numbers(optimizer))


def test_ddp_sends_the_bytes_that_pytorch_counts(process_group, trained):
    """In a ring, each of two processes sends all gradients once: half of them in each of two rounds."""
    process_group("gloo", 1, dist.HashStore())
    ddp = torch.nn.parallel.DistributedDataParallel(trained[0])
    counted = ddp._get_ddp_logging_data()["total_parameter_size_bytes"]
    assert scale.sent_bytes(scale.count_weights(TINY), "DDP", 2) == counted


def test_a_model_of_seven_billion_weights_is_counted_without_its_memory():
    """28 GB would end the kernel of most learners."""
    assert scale.count_weights(MistralConfig(num_labels=5)) == 7_110_680_576


@pytest.mark.parametrize(
    ("strategy", "gigabytes"),
    [("DDP", 16), ("ZeRO 1", 8 + 8 / 4), ("ZeRO 2", 4 + 12 / 4), ("ZeRO 3", 16 / 4), ("FSDP", 16 / 4)],
)
def test_each_strategy_divides_what_its_paper_says(strategy, gigabytes):
    """Who takes ZeRO 2 for ZeRO 3 rents the wrong machine."""
    assert scale.memory(10**9, strategy, 4).total == gigabytes * 1e9


def test_sending_grows_towards_its_limit_and_costs_more_with_divided_weights():
    """The bytes of a ring do not grow with the number of processes, as those of a star would."""
    sent = [scale.sent_bytes(1_000, "DDP", processes) for processes in (1, 2, 8, 1_000)]
    assert sent == [0, 4_000, 7_000, 7_992]
    assert scale.sent_bytes(1_000, "FSDP", 8) == 1.5 * sent[2]


@pytest.mark.parametrize("processes", [2, 8])
def test_at_the_break_even_speed_many_processes_take_as_long_as_one(processes):
    """The formula is short because (N - 1) / N cancels. Otherwise the advice would be wrong."""
    weights, step_seconds = 10**8, 0.5
    speed = scale.break_even_gigabits(weights, step_seconds)
    sending = scale.sending_seconds(weights, "DDP", processes, speed)
    assert step_seconds / processes + sending == pytest.approx(step_seconds)


def projected(**changes):
    settings = {"weights": 10**8, "processes": 1, "gigabits_per_second": 1.0} | changes
    return scale.projected_minutes(650_000, 10, 100.0, 8, **settings)


def test_the_projection_adds_up():
    """One process sends nothing, so the link's speed must not matter; two halve the steps, and then send."""
    assert projected() == projected(gigabits_per_second=1e-9) == pytest.approx(650_000 * 10 / 100 / 60)
    seconds = 8 / 100 + 8 * 4e8 / 1e9
    assert projected(processes=2) == pytest.approx(40_625 * 10 * seconds / 60)
    assert projected(processes=2) > projected() > projected(processes=2, gigabits_per_second=100)


def test_a_wrong_strategy_or_number_is_refused():
    with pytest.raises(ValueError, match="strategies are DDP, ZeRO 1"):
        scale.memory(1, "zero3", 2)
    with pytest.raises(ValueError, match="At least one process trains, got 0"):
        scale.sent_bytes(1, "DDP", 0)
