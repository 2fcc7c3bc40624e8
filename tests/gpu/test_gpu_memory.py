"""Protects a learner whose batch does not fit: the advice that the course gives then does work."""

import gc
from contextlib import contextmanager

import pytest
from tiny_sizes import ON_CPU

# torch and transformers are imported where they are used: without a GPU, nobody should wait for them

ROWS, LENGTH, WIDTH, LAYERS = (4, 32, 64, 1) if ON_CPU else (64, 512, 768, 4)
STEPS = 3


class TooLittle:
    """A memory for half a batch. On a CPU, a model says that it is used up; nothing else would be safe."""

    def __init__(self):
        self.refusing = False

    def __call__(self, model, args, kwargs):
        import torch

        if self.refusing and len(kwargs["input_ids"]) > ROWS // 2:
            raise torch.OutOfMemoryError("CUDA out of memory. This is the test's own.")

    @contextmanager
    def of(self, gib: float):
        """Leave so much memory, in GiB."""
        import torch

        collect()
        if ON_CPU:
            self.refusing = True
        else:
            total = torch.cuda.get_device_properties(0).total_memory / 2**30
            torch.cuda.set_per_process_memory_fraction(gib / total)
        try:
            yield
        finally:
            self.refusing = False
            if not ON_CPU:
                torch.cuda.set_per_process_memory_fraction(1.0)


def collect() -> None:
    """Give back what earlier trainings held, as the freed memory of a failed one must be."""
    import torch

    gc.collect()
    if not ON_CPU:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def train(args, memory: TooLittle) -> tuple:
    """Train as a cell of the course does. Return the `Run`, what it said, and a weight as a tensor."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, set_seed
    from transformers.trainer_callback import PrinterCallback

    from helpers.train import Run, RunCallback, recording

    set_seed(0)
    config = BertConfig(
        vocab_size=1_000,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=WIDTH // 64,
        intermediate_size=4 * WIDTH,
        num_labels=5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForSequenceClassification(config)
    model.accepts_loss_kwargs = False  # or Trainer adds up the halves' losses in place of their mean
    model.register_forward_pre_hook(memory, with_kwargs=True)
    ids = torch.randint(5, 1_000, (ROWS * STEPS, LENGTH), generator=torch.Generator().manual_seed(0))
    rows = [{"input_ids": row, "labels": torch.tensor(i % 5)} for i, row in enumerate(ids)]
    run, said = Run("memory"), []
    trainer = Trainer(model=model, args=args, train_dataset=rows, callbacks=[RunCallback(run)])
    trainer.remove_callback(PrinterCallback)
    with recording(run, said.append):
        trainer.train()
    return run, said, model.classifier.weight.detach().float().cpu()


@pytest.fixture
def args(tmp_path, machine):
    from transformers import TrainingArguments

    return TrainingArguments(
        str(tmp_path),
        max_steps=STEPS,
        per_device_train_batch_size=ROWS,
        learning_rate=0.1,
        optim="sgd",  # AdamW would take the same step if the gradients were twice as long
        max_grad_norm=0.0,  # and so would clipping
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=machine.device == "cpu",
        dataloader_pin_memory=machine.device != "cpu",
    )


def test_the_advice_for_too_little_memory_works_and_gives_the_same_model(args, say):
    """A cell that ends with 'out of memory' is where most people give up. The advice has to be a way out."""
    import torch

    from helpers.train import smaller_batches

    # How much a whole batch and a half take
    memory = TooLittle()
    needs = []
    weights = []
    for size in (args, smaller_batches(args)):
        collect()
        run, said, weight = train(size, memory)
        assert (run.status, said) == ("finished", [])
        needs.append(float("nan") if ON_CPU else torch.cuda.max_memory_reserved() / 2**30)
        weights.append(weight)
    middle = sum(needs) / 2

    # Too little for a whole batch
    with memory.of(middle):
        run, said, _ = train(args, memory)
        assert run.status == "failed" and len(said) == 1 and "smaller_batches(args)" in said[0]

        # The advice
        collect()
        run, said, weight = train(smaller_batches(args), memory)
    assert (run.status, said) == ("finished", [])
    gap = float((weight - weights[0]).abs().max())
    say(
        f"Batches of {ROWS}: {needs[0]:.1f} GiB, halved: {needs[1]:.1f} GiB. With {middle:.1f} GiB the"
        f" advice works, and the weights differ by at most {gap:.2g}"
    )
    assert gap < 1e-3


@pytest.mark.skipif(ON_CPU, reason="It needs the error of a real GPU.")
def test_the_real_error_is_recognised(machine):
    """The advice comes only if the error is known, and PyTorch may change its class or its words."""
    import torch

    from helpers.explain.resources import out_of_memory

    with pytest.raises(Exception) as caught:
        torch.empty(2**46, device="cuda")
    assert out_of_memory(caught.value)
