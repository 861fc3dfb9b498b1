// The part of JSON Schema that configurations need: the first place that does not fit, or none.

const typeOf = (value) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;

const pointer = (at, key) => `${at}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** `at /terms: …`, or undefined. */
export function check(schema, value, at = '') {
  const fault = (why) => `at ${at || 'the whole'}: ${why}`;
  if (schema.enum && !schema.enum.includes(value)) return fault(`it has to be one of ${JSON.stringify(schema.enum)}`);
  if (schema.type) {
    const types = [schema.type].flat();
    const is = typeOf(value);
    if (!types.includes(is) && !(is === 'integer' && types.includes('number'))) return fault(`it has to be ${types.join(' or ')}, it is ${is}`);
  }
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return fault(`it has to be at least ${schema.minimum}`);
    if (schema.maximum !== undefined && value > schema.maximum) return fault(`it has to be at most ${schema.maximum}`);
  }
  if (typeof value === 'string' && schema.minLength !== undefined && [...value].length < schema.minLength) {
    return fault(`it has to have at least ${schema.minLength} characters`);
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems) return fault(`it has to have at least ${schema.minItems} entries`);
    for (const [index, entry] of value.entries()) {
      const why = schema.items && check(schema.items, entry, pointer(at, index));
      if (why) return why;
    }
  } else if (value !== null && typeof value === 'object') {
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) return fault(`\`${name}\` is missing`);
    }
    for (const [name, entry] of Object.entries(value)) {
      const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (!own && schema.additionalProperties === false) return fault(`there is nothing called \`${name}\``);
      const why = own && check(own, entry, pointer(at, name));
      if (why) return why;
    }
  }
  return undefined;
}
