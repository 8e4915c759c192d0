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
