"""Pretrains the small cased BERT of the `offline` profile from nothing, on fresh synthetic reviews.

    python -m helpers.offline.build_model [--output DIR] [--steps N]

First a WordPiece vocabulary, then masked-language modelling as in Devlin et al. 2018 (arXiv:1810.04805): some pieces
are hidden (80 % [MASK], 10 % a random piece, 10 % left as they are) and predicted. Next-sentence prediction is
replaced: the pooled [CLS] state predicts, through the same head, which pieces the text is made of. It trains the
pooler and makes [CLS] a summary, in the spirit of Condenser (Gao & Callan 2021, arXiv:2104.08253).

No text is in the dataset's splits and the stars of a review are never looked at. The seed is fixed, yet
no two runs are equal: the vocabulary's trainer breaks ties between equally frequent pieces at random, so their
numbers, and with them the weights, differ a little.
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
from transformers import BertConfig, BertForPreTraining, BertTokenizer, get_linear_schedule_with_warmup, set_seed

from helpers.offline.build_dataset import SPLIT_ROWS, parquet_path
from helpers.offline.reviews import write_review

OUTPUT = Path(__file__).parent / "bert-tiny-synthetic"
SEED = 42
VOCAB_SIZE, MAX_LENGTH = 6_000, 512  # the smallest round size that keeps every word of the lexicon in one piece
SPECIAL_TOKENS = 5  # they come first in the vocabulary
HIDDEN, LAYERS, HEADS = 128, 2, 2
INITIALIZER_RANGE = 0.09  # about 1 / sqrt(HIDDEN); BERT's 0.02 suits its 768 and starves a narrow model of signal
STEPS, WARMUP_STEPS, LEARNING_RATE = 6_000, 50, 2e-3
TOKENS_PER_BATCH = 2_048  # computed tokens, padding included
STAGES = [(0.08, 18), (0.30, 64), (1.0, MAX_LENGTH)]  # (until this share of the steps, longest text in pieces)
MASKED_SHARE = 0.25  # more than BERT's 0.15: templates are easier to guess than human text
FREQUENT = 1e-3  # pieces more frequent than this count less in the bag
COUNTED_REVIEWS, POOL = 20_000, 1_000  # reviews behind the vocabulary; reviews made and shuffled at a time


def held_out() -> frozenset[str]:
    """Every text of the dataset, which pretraining must not see."""
    return frozenset(text for split in SPLIT_ROWS for text in pq.read_table(parquet_path(split))["text"].to_pylist())


def fresh_reviews(start: int, count: int, exclude: frozenset[str]) -> list[str]:
    """Reviews number `start` … `start + count - 1` of the pretraining stream, less those in `exclude`."""
    texts = (write_review(f"pretrain/{i}", i % 5) for i in range(start, start + count))
    return [text for text in texts if text not in exclude]


def train_tokenizer(texts: list[str]) -> BertTokenizer:
    wordpiece = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    wordpiece.train_from_iterator(texts, vocab_size=VOCAB_SIZE, min_frequency=2, show_progress=False)
    return BertTokenizer(vocab=wordpiece.get_vocab(), do_lower_case=False, strip_accents=False, model_max_length=MAX_LENGTH)


def piece_shares(tokenizer, texts: list[str]) -> torch.Tensor:
    """How often each piece occurs, smoothed by one: a distribution over the vocabulary, (pieces,)."""
    pieces = [piece for row in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"] for piece in row]
    counts = torch.bincount(torch.tensor(pieces), minlength=len(tokenizer)) + 1.0
    return counts / counts.sum()


def new_model(shares: torch.Tensor) -> BertForPreTraining:
    """A plain BERT, started where learning is fast: at the piece frequencies and with sinusoidal positions."""
    model = BertForPreTraining(BertConfig(
        vocab_size=len(shares), hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=4 * HIDDEN, max_position_embeddings=MAX_LENGTH, initializer_range=INITIALIZER_RANGE,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))  # no text comes twice: nothing to overfit
    with torch.no_grad():
        model.cls.predictions.bias.copy_(shares.log() - shares.log().mean())
        model.bert.embeddings.position_embeddings.weight.copy_(INITIALIZER_RANGE * sinusoids())
    return model


def sinusoids() -> torch.Tensor:
    """The position encodings of Vaswani et al. 2017 (arXiv:1706.03762), (MAX_LENGTH, HIDDEN), here only a start."""
    frequencies = torch.exp(torch.arange(0, HIDDEN, 2) * (-math.log(10_000) / HIDDEN))
    angles = torch.arange(MAX_LENGTH)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def rows_of(tokenizer, texts: list[str], length: int) -> list[list[int]]:
    """Piece numbers of the texts, [CLS] … [SEP]: cut into stretches of `length`, or cut off at MAX_LENGTH."""
    if length == MAX_LENGTH:
        return tokenizer(texts, truncation=True)["input_ids"]
    rows = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    parts = (row[i:i + length - 2] for row in rows for i in range(0, len(row), length - 2))
    return [[tokenizer.cls_token_id, *part, tokenizer.sep_token_id] for part in parts]


def batches(tokenizer, exclude: frozenset[str], start: int, length: int) -> Iterator[dict[str, torch.Tensor]]:
    """An endless stream of padded batches of similar length, in random order within each pool of fresh reviews."""
    rng = random.Random(start)
    while True:
        groups = [[]]
        for row in sorted(rows_of(tokenizer, fresh_reviews(start, POOL, exclude), length), key=len):
            if groups[-1] and len(row) * (len(groups[-1]) + 1) > TOKENS_PER_BATCH:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            yield tokenizer.pad({"input_ids": group}, return_tensors="pt")
        start += POOL


def staged_batches(tokenizer, exclude: frozenset[str], steps: int) -> Iterator[dict[str, torch.Tensor]]:
    """`steps` batches, from short stretches to whole reviews: what neighbours say is learned soonest where they are few."""
    done = 0
    for number, (share, length) in enumerate(STAGES):
        start = COUNTED_REVIEWS + number * 10_000_000  # numbers no other stage comes to
        until = round(share * steps)
        for _, batch in zip(range(done, until), batches(tokenizer, exclude, start, length)):
            yield batch
        done = until


def mask_tokens(input_ids: torch.Tensor, tokenizer, generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide some pieces. Returns the changed numbers and the mask of what is to be predicted, both (batch, length)."""
    ids = input_ids.clone()
    draw = torch.rand(ids.shape, generator=generator)
    chosen = (draw < MASKED_SHARE) & (ids >= SPECIAL_TOKENS)
    ids[chosen & (draw < 0.8 * MASKED_SHARE)] = tokenizer.mask_token_id
    swapped = chosen & (draw >= 0.9 * MASKED_SHARE)
    ids[swapped] = torch.randint(SPECIAL_TOKENS, len(tokenizer), (int(swapped.sum()),), generator=generator)
    return ids, chosen


def bags(input_ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """What each text is made of: a distribution over the vocabulary per row, (batch, pieces)."""
    bag = torch.zeros(len(input_ids), len(weights)).scatter_add_(1, input_ids, weights[input_ids])
    return bag / bag.sum(dim=1, keepdim=True)


def pretrain(model: BertForPreTraining, tokenizer, shares: torch.Tensor, steps: int, exclude: frozenset[str]) -> None:
    generator = torch.Generator().manual_seed(SEED)
    weights = (FREQUENT / shares).sqrt().clamp(max=1.0)  # as word2vec thins out frequent words (Mikolov et al. 2013)
    weights[:SPECIAL_TOKENS] = 0.0
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP_STEPS, steps)
    model.train()
    started, running = time.time(), torch.zeros(3)
    for step, batch in enumerate(staged_batches(tokenizer, exclude, steps), start=1):
        input_ids, chosen = mask_tokens(batch["input_ids"], tokenizer, generator)
        states = model.bert(input_ids=input_ids, attention_mask=batch["attention_mask"])
        logits = model.cls.predictions(states.last_hidden_state[chosen])  # on hidden pieces only: most of the cost saved
        targets = batch["input_ids"][chosen]
        masked_loss = cross_entropy(logits, targets)
        bag_loss = cross_entropy(model.cls.predictions(states.pooler_output), bags(batch["input_ids"], weights))
        (masked_loss + bag_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        running += torch.stack([masked_loss, bag_loss, (logits.argmax(-1) == targets).float().mean()]).detach()
        if step % 100 == 0:
            masked, bag, right = (running / 100).tolist()
            print(f"step {step}/{steps}  masked {masked:.3f} ({right:.1%} right)  bag {bag:.3f}  {time.time() - started:.0f} s", flush=True)
            running.zero_()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args()
    set_seed(SEED)
    torch.set_num_threads(1)  # faster than two wherever another program wants a core
    exclude = held_out()
    texts = fresh_reviews(0, COUNTED_REVIEWS, exclude)
    tokenizer = train_tokenizer(texts)
    shares = piece_shares(tokenizer, texts)
    model = new_model(shares)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer):,} pieces")
    pretrain(model, tokenizer, shares, args.steps, exclude)
    model.config.initializer_range, model.config.hidden_dropout_prob = 0.02, 0.1  # for fine-tuning, as in bert-base-cased
    model.save_pretrained(args.output)
    tokenizer.backend_tokenizer.no_truncation()  # else the setting of the last call is saved
    tokenizer.save_pretrained(args.output)


if __name__ == "__main__":
    main()
