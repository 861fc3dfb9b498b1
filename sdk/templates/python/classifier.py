"""Classifier `{{name}}`: levels by terms that a text contains."""

from huiyin_sdk import Verdict, classifier

ABOUT = {
    "name": "{{name}}",
    "version": "0.1.0",
    "summary": "Levels by terms that a text contains.",
    "idempotent": True,
}

# The configuration's JSON Schema: what does not fit never reaches `classify`.
CONFIG = {
    "type": "object",
    "properties": {
        "terms": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "What is looked for in title and body."},
        "level": {"enum": ["I", "II", "III", "IV"], "description": "The level where one of them is found."},
    },
    "required": ["terms", "level"],
    "additionalProperties": False,
}


def classify(ctx, config, model, state, items):
    return [judge(config, item) for item in items]


def judge(config, item):
    text = f"{item.title}\n{item.body}"
    found = [term for term in config["terms"] if term in text]
    if not found:
        return Verdict()
    score = len(found) / len(config["terms"])
    return Verdict(config["level"], score, {"content": score}, reasons=[f"文中有“{term}”" for term in found])


Info, Classifier = classifier(ABOUT, CONFIG, classify)
