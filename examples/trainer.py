"""Fine-tune BERT on Yelp reviews with Trainer: the main line of notebook 2 as a script.

Install the libraries: pip install torch transformers datasets evaluate accelerate scikit-learn
Run it: python trainer.py

It downloads about 300 MB of reviews and 440 MB of model from the Hugging Face Hub, and writes the folder
`star_model`. Use a GPU: a CPU may take an hour or more.
"""

import evaluate
import numpy as np
from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    pipeline,
    set_seed,
)

# The data: a thousand reviews to learn from, a thousand others of the same split to look at
rows = load_dataset("Yelp/yelp_review_full", split="train").shuffle(seed=42)
tokenizer = AutoTokenizer.from_pretrained("google-bert/bert-base-cased")
rows = rows.select(range(2_000)).map(
    lambda examples: tokenizer(examples["text"], truncation=True, max_length=512), batched=True
)
train_dataset = rows.select(range(1_000))
validation_dataset = rows.select(range(1_000, 2_000))

# The model: a new layer with five outputs
set_seed(42)
stars = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
model = AutoModelForSequenceClassification.from_pretrained(
    "google-bert/bert-base-cased", num_labels=5, id2label=dict(enumerate(stars))
)

# The metric
metric = evaluate.load("accuracy")


def compute_metrics(eval_pred):
    logits, labels = eval_pred
    return metric.compute(predictions=np.argmax(logits, axis=-1), references=labels)


# The settings, and the training
args = TrainingArguments(
    output_dir="checkpoints",
    learning_rate=5e-5,
    num_train_epochs=3,
    per_device_train_batch_size=8,
    eval_strategy="epoch",
    logging_steps=10,
    save_strategy="no",
    train_sampling_strategy="group_by_length",
    report_to="none",
)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=train_dataset,
    eval_dataset=validation_dataset,
    processing_class=tokenizer,
    data_collator=DataCollatorWithPadding(tokenizer),
    compute_metrics=compute_metrics,
)
trainer.train()
print(f"Validation accuracy: {trainer.evaluate()['eval_accuracy']:.3f}")

# Save it, load it again, use it
trainer.save_model("star_model")
classify = pipeline("text-classification", model="star_model")
print(classify("The soup was cold, and nobody apologised."))
