import * as v from 'valibot'

/** Text that is not empty. @param what the expected text, for the message */
export const text = (what: string) => v.pipe(v.string(`must be ${what}`), v.nonEmpty(`must be ${what}`))

export const variable = v.pipe(
  v.string('must be the name of an environment variable'),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable'),
)

export const keyPassword = v.optional(
  v.pipe(variable, v.description('The environment variable with the password of the key.')),
)
