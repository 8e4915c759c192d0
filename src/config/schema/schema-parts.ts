import * as v from 'valibot'

/** A schema with the description that editors show. */
export const described = <T extends v.GenericSchema>(schema: T, text: string) =>
  v.pipe(schema, v.description(text))

/** An optional key with the description that editors show. */
export const optional = <T extends v.GenericSchema>(schema: T, text: string) =>
  v.optional(described(schema, text))

/** Text that is not empty. @param what describes the expected text in the message */
export const text = (what: string) => v.pipe(v.string(`must be ${what}`), v.nonEmpty(`must be ${what}`))

/** Text that matches a pattern. @param what describes the expected text in the message */
export const pattern = (what: string, regex: RegExp, otherwise: string) =>
  v.pipe(v.string(`must be ${what}`), v.regex(regex, otherwise))

export const flag = v.boolean('must be true or false')

export const pemFile = text('the path of a PEM file')

export const webUrl = pattern(
  'a URL',
  /^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/,
  'must be an http or https URL without credentials',
)

export const variable = pattern(
  'the name of an environment variable',
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  'must be the name of an environment variable',
)

export const keyPassword = optional(variable, 'The environment variable with the password of the key.')

/** Whether a value is a map and not a list. */
export const isMapLike = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * One of two schemas. The value decides, so that errors are those of the schema that the user
 * means. Without a value (for the schema of editors) it is the union.
 */
export function either<A extends v.GenericSchema, B extends v.GenericSchema>(
  isFirst: (value: unknown) => boolean,
  first: A,
  second: B,
) {
  const union = v.union([first, second])
  return v.lazy((value): v.GenericSchema<v.InferOutput<A> | v.InferOutput<B>> => {
    if (value === undefined) return union
    return isFirst(value) ? first : second
  })
}

/** A list that is not empty. @param what describes the entries in the message */
export const list = <T extends v.GenericSchema>(entry: T, what: string) =>
  v.pipe(v.array(entry, `must be a list of ${what}`), v.minLength(1, 'must have at least one entry'))

/** As `list`, of names that are compared with others. No real list is longer. */
export const shortList = <T extends v.GenericSchema>(entry: T, what: string) =>
  v.pipe(list(entry, what), v.maxLength(100, 'must have at most 100 entries'))

/** A whole number. */
export const whole = (least: number, otherwise = `must be at least ${least}`) =>
  v.pipe(
    v.number('must be a whole number'),
    v.safeInteger('must be a whole number'),
    v.minValue(least, otherwise),
  )
