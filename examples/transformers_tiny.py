"""Hugging Face's Trainer in a sweep: `tuner run examples/transformers_tiny.yaml`.

A tiny BERT with random weights reads 16 words of the description of one of scikit-learn's data sets and says which it
is. Real English, nothing to download, and so little of it that the network soon knows it by heart.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from transformers import BertConfig, BertForSequenceClassification, EvalPrediction, Trainer, TrainingArguments

import tuner

WORDS, STRIDE, VOCABULARY = 16, 2, 1000
SOURCES = (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)


def snippets(validation: bool) -> list[dict[str, Any]]:
    """Of the first three quarters of each description for training, of the rest for validation."""
    found = []
    for label, load in enumerate(SOURCES):
        words = re.findall(r"[a-z]+|[0-9]+", load().DESCR.lower())
        tokens = [zlib.crc32(word.encode()) % VOCABULARY for word in words]
        cut = len(tokens) * 3 // 4
        part = tokens[cut:] if validation else tokens[:cut]
        starts = range(0, len(part) - WORDS, STRIDE)
        found += [{"input_ids": torch.tensor(part[at : at + WORDS]), "labels": label} for at in starts]
    return found


def accuracy(found: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())}


def loop(trial: tuner.Trial) -> None:
    config = trial.config
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=config["width"],
            num_hidden_layers=config["layers"],
            num_attention_heads=2,
            intermediate_size=2 * config["width"],
            max_position_embeddings=WORDS,
            hidden_dropout_prob=config["dropout"],
            num_labels=len(SOURCES),
        )
    )
    arguments = TrainingArguments(
        output_dir=str(trial.scratch),
        num_train_epochs=trial.max_epochs,
        learning_rate=config["lr"],
        weight_decay=config["weight_decay"],
        per_device_train_batch_size=config["batch_size"],
        per_device_eval_batch_size=256,
        eval_strategy="epoch",
        save_strategy="no",  # the trial keeps them
        seed=trial.seed % 2**32,
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to="none",
    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=snippets(validation=False),
        eval_dataset=snippets(validation=True),
        compute_metrics=accuracy,
        callbacks=[tuner.TransformersReport(trial)],
    )
    trainer.train(resume_from_checkpoint=trial.restore())
