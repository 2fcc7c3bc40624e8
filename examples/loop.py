"""Fine-tune BERT on Yelp reviews with a native PyTorch loop: the main line of notebook 3 as a script.

Install the libraries: pip install torch transformers datasets evaluate scikit-learn tqdm
Run it: python loop.py

It downloads about 300 MB of reviews and 440 MB of model from the Hugging Face Hub, and writes the folder
`star_model`. Use a GPU: a CPU may take an hour or more.
"""

import evaluate
import torch
from datasets import load_dataset
from torch.optim import AdamW
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    get_scheduler,
    set_seed,
)

# The data: a thousand reviews to learn from, a thousand others of the same split to look at
rows = load_dataset("Yelp/yelp_review_full", split="train").shuffle(seed=42)
tokenizer = AutoTokenizer.from_pretrained("google-bert/bert-base-cased")
rows = rows.select(range(2_000)).map(
    lambda examples: tokenizer(examples["text"], truncation=True, max_length=512), batched=True
)
rows = rows.remove_columns(["text"])
rows = rows.rename_column("label", "labels")
rows.set_format("torch")
collator = DataCollatorWithPadding(tokenizer)
set_seed(42)
train_dataloader = DataLoader(rows.select(range(1_000)), shuffle=True, batch_size=8, collate_fn=collator)
eval_dataloader = DataLoader(rows.select(range(1_000, 2_000)), batch_size=32, collate_fn=collator)

# Model, optimizer, schedule, device
model = AutoModelForSequenceClassification.from_pretrained("google-bert/bert-base-cased", num_labels=5)
optimizer = AdamW(model.parameters(), lr=5e-5)
num_epochs = 3
num_training_steps = num_epochs * len(train_dataloader)
lr_scheduler = get_scheduler(
    "linear", optimizer=optimizer, num_warmup_steps=0, num_training_steps=num_training_steps
)
device = torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")
model.to(device)

# Train
progress_bar = tqdm(range(num_training_steps))
model.train()
for epoch in range(num_epochs):
    for batch in train_dataloader:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
        progress_bar.update(1)

# Evaluate
metric = evaluate.load("accuracy")
model.eval()
for batch in eval_dataloader:
    batch = {name: tensor.to(device) for name, tensor in batch.items()}
    with torch.no_grad():
        logits = model(**batch).logits
    metric.add_batch(predictions=logits.argmax(dim=-1), references=batch["labels"])
print(f"Validation accuracy: {metric.compute()['accuracy']:.3f}")

# Save model and tokenizer
model.save_pretrained("star_model")
tokenizer.save_pretrained("star_model")
