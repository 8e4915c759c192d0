/** The keywords of JSON Schema that the fixtures use. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly enum?: readonly unknown[]
  readonly oneOf?: readonly JsonSchema[]
  readonly minLength?: number
  readonly format?: string
  readonly definitions?: Readonly<Record<string, JsonSchema>>
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'uri-reference': (text) =>
    /^[\w\-.~:/?#[\]@!$&'()*+,;=%]*$/.test(text) && URL.canParse(text, 'http://base/'),
  uri: (text) => URL.canParse(text),
  'date-time': (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text),
}

/**
 * Returns the mistakes of a value, one line each. `root` has the definitions that `$ref` names.
 */
export function schemaComplaints(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema = schema,
  path = '',
): readonly string[] {
  if (schema.$ref !== undefined) {
    const named = root.definitions?.[schema.$ref.replace('#/definitions/', '')]
    if (named === undefined) throw new Error(`the schema has no ${schema.$ref}`)
    return schemaComplaints(value, named, root, path)
  }
  const type = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
  if (schema.type !== undefined && ![schema.type].flat().includes(type))
    return [`${path} is ${type}, not ${String(schema.type)}`]
  return [
    ...(schema.enum?.includes(value) === false ? [`${path} is ${JSON.stringify(value)}`] : []),
    ...(typeof value === 'string' ? ofText(value, schema, path) : []),
    ...(type === 'object' ? ofObject(value as Readonly<Record<string, unknown>>, schema, root, path) : []),
    ...ofChoices(value, schema, root, path),
  ]
}

function ofText(value: string, { minLength = 0, format }: JsonSchema, path: string): readonly string[] {
  if (value.length < minLength) return [`${path} is too short`]
  return format !== undefined && formats[format]?.(value) === false ? [`${path} is no ${format}`] : []
}

function ofObject(
  value: Readonly<Record<string, unknown>>,
  { additionalProperties, properties = {}, required = [] }: JsonSchema,
  root: JsonSchema,
  path: string,
): readonly string[] {
  const missing = required.filter((name) => !(name in value)).map((name) => `${path}/${name} is missing`)
  const wrong = Object.entries(value).flatMap(([name, one]) => {
    const property = properties[name]
    if (property !== undefined) return schemaComplaints(one, property, root, `${path}/${name}`)
    return additionalProperties === false ? [`${path}/${name} is not known`] : []
  })
  return [...missing, ...wrong]
}

function ofChoices(value: unknown, schema: JsonSchema, root: JsonSchema, path: string): readonly string[] {
  if (schema.oneOf === undefined) return []
  const matching = schema.oneOf.filter((one) => schemaComplaints(value, one, root, path).length === 0)
  return matching.length === 1 ? [] : [`${path} matches ${matching.length} of the choices`]
}
