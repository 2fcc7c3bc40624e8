"""Prepare Yelp reviews for fine-tuning: the whole of notebook 1 as a script.

Install the libraries: pip install datasets transformers
Run it: python prepare.py

It downloads about 300 MB of reviews and a tokenizer from the Hugging Face Hub, and writes the folder
`tokenized_reviews`.
"""

from datasets import DatasetDict, load_dataset
from transformers import AutoTokenizer

# The reviews, with a label from 0 (one star) to 4 (five stars)
dataset = load_dataset("Yelp/yelp_review_full")
tokenizer = AutoTokenizer.from_pretrained("google-bert/bert-base-cased")

# Take the sample first. The test rows stay closed until the very end.
shuffled = dataset["train"].shuffle(seed=42)
sample = DatasetDict(
    train=shuffled.select(range(1_000)),
    validation=shuffled.select(range(1_000, 2_000)),
    test=dataset["test"].shuffle(seed=42).select(range(1_000)),
)


# Cut long reviews, and leave the padding to the collator
def tokenize(examples):
    return tokenizer(examples["text"], truncation=True, max_length=512)


tokenized = sample.map(tokenize, batched=True)
tokenized.save_to_disk("tokenized_reviews")

lengths = [len(ids) for ids in tokenized["train"]["input_ids"]]
print(f"{len(lengths):,} training reviews, {sum(lengths) / len(lengths):.0f} tokens long on average")
