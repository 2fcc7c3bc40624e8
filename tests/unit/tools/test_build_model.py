"""Protects a learner from a bundled model that knows no English, so that fine-tuning builds on nothing."""

from transformers import AutoModelForMaskedLM, AutoTokenizer

from helpers.profiles import PROFILES

PROFILE = PROFILES["offline"]


def test_the_model_has_learned_english_of_its_world():
    """Random weights would give each of the pieces the same chance."""
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    model = AutoModelForMaskedLM.from_pretrained(PROFILE.model).eval()
    encoded = tokenizer(
        "We had to wait for [MASK] hour and nobody came. The worst experience.", return_tensors="pt"
    )
    position = (encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero().item()
    chances = model(**encoded).logits[0, position].softmax(-1)
    assert chances[tokenizer.convert_tokens_to_ids("an")] > 0.2


def test_the_tokenizer_is_cased_and_whole():
    tokenizer = AutoTokenizer.from_pretrained(PROFILE.model)
    assert tokenizer.tokenize("The service was friendly.") == ["The", "service", "was", "friendly", "."]
    assert tokenizer.tokenize("The") != tokenizer.tokenize("the")
    assert tokenizer.model_max_length == 512
    text = "Nobody in Halorham waits 45 minutes!"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
