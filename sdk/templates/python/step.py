"""Step `{{name}}`: counts the characters of a text."""

from huiyin_sdk import step

ABOUT = {
    "name": "{{name}}",
    "version": "0.1.0",
    "summary": "Counts the characters of a text.",
    "idempotent": True,
}

CONFIG = {
    "type": "object",
    "properties": {"most": {"type": "integer", "minimum": 0, "description": "More characters than this are too many."}},
    "required": ["most"],
    "additionalProperties": False,
}

INPUT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

OUTPUT = {
    "type": "object",
    "properties": {"characters": {"type": "integer"}, "fits": {"type": "boolean"}},
    "required": ["characters", "fits"],
}


def run(ctx, config, input):
    characters = sum(1 for c in input["text"] if not c.isspace())
    return {"characters": characters, "fits": characters <= config["most"]}


Info, Step = step(ABOUT, CONFIG, INPUT, OUTPUT, run)
