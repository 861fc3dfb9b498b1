"""Reporter `{{name}}`: writes a short report as Markdown."""

from huiyin_sdk import Document, reporter

ABOUT = {
    "name": "{{name}}",
    "version": "0.1.0",
    "summary": "Writes a short report as Markdown.",
    "idempotent": True,
}

CONFIG = {
    "type": "object",
    "properties": {"office": {"type": "string", "description": "Who signs."}},
    "required": ["office"],
    "additionalProperties": False,
}

DATA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "paragraphs": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
    "required": ["title", "paragraphs"],
}


def render(ctx, config, data):
    paragraphs = "\n\n".join(data["paragraphs"])
    text = f"# {data['title']}\n\n{paragraphs}\n\n{config['office']}\n"
    return [Document("text/markdown; charset=utf-8", "report.md", text)]


Info, Reporter = reporter(ABOUT, CONFIG, DATA, render)
