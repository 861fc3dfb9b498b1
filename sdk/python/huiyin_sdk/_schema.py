"""The part of JSON Schema that configurations need: the first place that does not fit, or none."""

import json


def _type_of(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    return {float: "number", str: "string", list: "array", dict: "object"}[type(value)]


def check(schema, value, at=""):
    """`at /terms: …`, or None."""

    def fault(why):
        return f"at {at or 'the whole'}: {why}"

    def place(key):
        return f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"

    if "enum" in schema and value not in schema["enum"]:
        return fault(f"it has to be one of {json.dumps(schema['enum'], ensure_ascii=False)}")
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        its = _type_of(value)
        if its not in types and not (its == "integer" and "number" in types):
            return fault(f"it has to be {' or '.join(types)}, it is {its}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            return fault(f"it has to be at least {schema['minimum']}")
        if value > schema.get("maximum", value):
            return fault(f"it has to be at most {schema['maximum']}")
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        return fault(f"it has to have at least {schema['minLength']} characters")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            return fault(f"it has to have at least {schema['minItems']} entries")
        for index, entry in enumerate(value):
            why = check(schema.get("items", {}), entry, place(index))
            if why:
                return why
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                return fault(f"`{name}` is missing")
        properties = schema.get("properties", {})
        for name, entry in value.items():
            if name not in properties:
                if schema.get("additionalProperties") is False:
                    return fault(f"there is nothing called `{name}`")
                continue
            why = check(properties[name], entry, place(name))
            if why:
                return why
    return None
