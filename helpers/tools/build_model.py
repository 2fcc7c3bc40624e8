"""Pretrain the small cased BERT of the `offline` profile from nothing, on fresh synthetic reviews.

    python -m helpers.tools.build_model [--output DIR] [--steps N]

The script first builds a WordPiece vocabulary. Then it trains by masked-language modelling as in Devlin et
al. 2018 (arXiv:1810.04805): it hides some pieces (80 % become [MASK], 10 % a random piece, 10 % stay as they
are), and the model predicts them. Another task replaces next-sentence prediction: the pooled [CLS] state
predicts, through the same head, which pieces the text is made of. This trains the pooler and makes [CLS] a
summary, in the spirit of Condenser (Gao & Callan 2021, arXiv:2104.08253).

The script trains on no text of the dataset's splits, and it never looks at the stars of a review. The seed is
fixed, yet no two runs are equal: the trainer of the vocabulary breaks ties between equally frequent pieces at
random, so the numbers of these pieces differ a little, and with them the weights.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import torch
from tokenizers import BertWordPieceTokenizer
from torch.nn.functional import cross_entropy
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertTokenizer,
    get_linear_schedule_with_warmup,
    set_seed,
)

from helpers.tools.build_dataset import SPLIT_ROWS, parquet_path
from helpers.tools.reviews import write_review

OUTPUT = Path(__file__).parents[1] / "offline" / "bert-tiny-synthetic"
SEED = 42

# The model
VOCAB_SIZE = 6_000  # the smallest round size that keeps every word of the lexicon in one piece
SPECIAL_TOKENS = 5  # they come first in the vocabulary
MAX_LENGTH = 512
HIDDEN = 128
LAYERS = 2
HEADS = 2
# About 1 / sqrt(HIDDEN). BERT's 0.02 suits its 768 and starves a narrow model of signal.
INITIALIZER_RANGE = 0.09

# The training
STEPS = 6_000
WARMUP_STEPS = 50
LEARNING_RATE = 2e-3
TOKENS_PER_BATCH = 2_048  # computed tokens, padding included
STAGES = [
    (0.08, 18),
    (0.30, 64),
    (1.0, MAX_LENGTH),
]  # (until this share of the steps, longest text in pieces)
MASKED_SHARE = 0.25  # more than BERT's 0.15, because templates are easier to guess than human text
FREQUENT = 1e-3  # pieces more frequent than this count less in the bag
COUNTED_REVIEWS = 20_000  # reviews from which the vocabulary comes
POOL = 1_000  # reviews made and shuffled at a time


def held_out() -> frozenset[str]:
    """Return every text of the dataset, which pretraining must not see."""
    tables = [pq.read_table(parquet_path(split)) for split in SPLIT_ROWS]
    return frozenset(text for table in tables for text in table["text"].to_pylist())


def fresh_reviews(start: int, count: int, exclude: frozenset[str]) -> list[str]:
    """Write reviews `start` … `start + count - 1` of the pretraining stream, without those in `exclude`."""
    texts = (write_review(f"pretrain/{i}", i % 5) for i in range(start, start + count))
    return [text for text in texts if text not in exclude]


def train_tokenizer(texts: list[str]) -> BertTokenizer:
    """Build a cased WordPiece vocabulary from the texts."""
    wordpiece = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    wordpiece.train_from_iterator(texts, vocab_size=VOCAB_SIZE, min_frequency=2, show_progress=False)
    return BertTokenizer(
        vocab=wordpiece.get_vocab(), do_lower_case=False, strip_accents=False, model_max_length=MAX_LENGTH
    )


def piece_shares(tokenizer, texts: list[str]) -> torch.Tensor:
    """Return how often each piece occurs, smoothed by one: a distribution over the vocabulary, (pieces,)."""
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    pieces = [piece for row in rows for piece in row]
    counts = torch.bincount(torch.tensor(pieces), minlength=len(tokenizer)) + 1.0
    return counts / counts.sum()


def new_model(shares: torch.Tensor) -> BertForPreTraining:
    """Make a plain BERT that starts where learning is fast: piece frequencies and sinusoidal positions."""
    # The architecture; no text comes twice, so there is nothing to overfit and no need for dropout
    config = BertConfig(
        vocab_size=len(shares),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * HIDDEN,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=INITIALIZER_RANGE,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForPreTraining(config)

    # The start
    with torch.no_grad():
        model.cls.predictions.bias.copy_(shares.log() - shares.log().mean())
        model.bert.embeddings.position_embeddings.weight.copy_(INITIALIZER_RANGE * sinusoids())
    return model


def sinusoids() -> torch.Tensor:
    """Compute the position encodings of Vaswani et al. 2017 (arXiv:1706.03762), (MAX_LENGTH, HIDDEN).

    Here they are only a start: the training changes them.
    """
    frequencies = torch.exp(torch.arange(0, HIDDEN, 2) * (-math.log(10_000) / HIDDEN))
    angles = torch.arange(MAX_LENGTH)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def rows_of(tokenizer, texts: list[str], length: int) -> list[list[int]]:
    """Return the piece numbers of the texts, [CLS] … [SEP], in rows of at most `length` pieces.

    A text is cut into stretches of `length`; if `length` is MAX_LENGTH, only its first stretch is kept.
    """
    if length == MAX_LENGTH:
        return tokenizer(texts, truncation=True)["input_ids"]
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    parts = (row[i : i + length - 2] for row in rows for i in range(0, len(row), length - 2))
    return [[tokenizer.cls_token_id, *part, tokenizer.sep_token_id] for part in parts]


def batches(tokenizer, exclude: frozenset[str], start: int, length: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yield padded batches without end.

    The texts of a batch have similar lengths. Within each pool of fresh reviews the batches come in random
    order.
    """
    rng = random.Random(start)
    while True:
        # Groups of rows: sorted by length, as many as fit into a batch
        rows = rows_of(tokenizer, fresh_reviews(start, POOL, exclude), length)
        groups = [[]]
        for row in sorted(rows, key=len):
            if groups[-1] and len(row) * (len(groups[-1]) + 1) > TOKENS_PER_BATCH:
                groups.append([])
            groups[-1].append(row)

        # The batches
        rng.shuffle(groups)
        for group in groups:
            yield tokenizer.pad({"input_ids": group}, return_tensors="pt")
        start += POOL


def staged_batches(tokenizer, exclude: frozenset[str], steps: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yield `steps` batches, from short stretches of text to whole reviews.

    A model learns soonest what neighbours say about a piece if there are only a few of them.
    """
    done = 0
    for number, (share, length) in enumerate(STAGES):
        start = COUNTED_REVIEWS + number * 10_000_000  # numbers that no other stage reaches
        until = round(share * steps)
        for _, batch in zip(range(done, until), batches(tokenizer, exclude, start, length)):
            yield batch
        done = until


def mask_tokens(input_ids: torch.Tensor, tokenizer, generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide some pieces of each text.

    Return the changed piece numbers and the mask of the pieces to predict, both of shape (batch, length).
    """
    ids = input_ids.clone()
    draw = torch.rand(ids.shape, generator=generator)
    chosen = (draw < MASKED_SHARE) & (ids >= SPECIAL_TOKENS)
    ids[chosen & (draw < 0.8 * MASKED_SHARE)] = tokenizer.mask_token_id
    swapped = chosen & (draw >= 0.9 * MASKED_SHARE)
    ids[swapped] = torch.randint(SPECIAL_TOKENS, len(tokenizer), (int(swapped.sum()),), generator=generator)
    return ids, chosen


def bags(input_ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return what each text is made of: a distribution over the vocabulary per row, (batch, pieces)."""
    bag = torch.zeros(len(input_ids), len(weights)).scatter_add_(1, input_ids, weights[input_ids])
    return bag / bag.sum(dim=1, keepdim=True)


def pretrain(
    model: BertForPreTraining, tokenizer, shares: torch.Tensor, steps: int, exclude: frozenset[str]
) -> None:
    """Train the model for `steps` steps on hidden pieces and on the bag of each text's pieces.

    `shares` holds the frequency of each piece, (pieces,). The function prints the losses every 100 steps.
    """
    # Frequent pieces count less in the bag, as word2vec thins out frequent words (Mikolov et al. 2013)
    weights = (FREQUENT / shares).sqrt().clamp(max=1.0)
    weights[:SPECIAL_TOKENS] = 0.0

    # The training's tools
    generator = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP_STEPS, steps)
    model.train()
    started = time.time()
    running = torch.zeros(3)
    for step, batch in enumerate(staged_batches(tokenizer, exclude, steps), start=1):
        # The loss on the hidden pieces; the head computes only those, which saves most of the cost
        input_ids, chosen = mask_tokens(batch["input_ids"], tokenizer, generator)
        states = model.bert(input_ids=input_ids, attention_mask=batch["attention_mask"])
        logits = model.cls.predictions(states.last_hidden_state[chosen])
        targets = batch["input_ids"][chosen]
        masked_loss = cross_entropy(logits, targets)

        # The loss on the bag
        predicted_bags = model.cls.predictions(states.pooler_output)
        bag_loss = cross_entropy(predicted_bags, bags(batch["input_ids"], weights))

        # The step
        (masked_loss + bag_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()

        # The report
        right = (logits.argmax(-1) == targets).float().mean()
        running += torch.stack([masked_loss, bag_loss, right]).detach()
        if step % 100 == 0:
            masked, bag, right = (running / 100).tolist()
            seconds = time.time() - started
            print(
                f"step {step}/{steps}  masked {masked:.3f} ({right:.1%} right)  "
                f"bag {bag:.3f}  {seconds:.0f} s",
                flush=True,
            )
            running.zero_()


def main() -> None:
    """Pretrain the model and save it with its tokenizer."""
    # The options
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args()

    # A fixed start
    set_seed(SEED)
    torch.set_num_threads(1)  # faster than two threads if another program wants a core, too

    # The vocabulary and the model
    exclude = held_out()
    texts = fresh_reviews(0, COUNTED_REVIEWS, exclude)
    tokenizer = train_tokenizer(texts)
    shares = piece_shares(tokenizer, texts)
    model = new_model(shares)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer):,} pieces")
    pretrain(model, tokenizer, shares, args.steps, exclude)

    # The saved config is for fine-tuning: these two values are those of bert-base-cased
    model.config.initializer_range = 0.02
    model.config.hidden_dropout_prob = 0.1
    model.save_pretrained(args.output)
    tokenizer.backend_tokenizer.no_truncation()  # otherwise the last call's setting is saved
    tokenizer.save_pretrained(args.output)


if __name__ == "__main__":
    main()
