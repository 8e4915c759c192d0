import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { emptyConfig } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import {
  namesOf,
  resolveImage,
  type ResolvedImage,
  withinOption,
} from '../../../src/config/resolver/resolve.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

const hex = 'a'.repeat(64)
const content = `version: 1
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  any: { registry: r.example, path: "{image}" }
  near: { registry: "localhost:5000", path: "{image}" }
`
const { config } = parseConfig({ file: '/p/dray.yaml', content }, 'dray.yaml')
const accepts = ['image', 'layout'] as const

it('the complete form of an image means the same without an option', () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8})?$/)
  const end = fc.constantFrom('', ':1.4.2', `@sha256:${hex}`, `:v1@sha256:${hex}`)
  const start = fc.constantFrom('', '@any/', 'localhost:5000/', 'R.example/', 'oci:./', 'oci:')
  const shaped = fc.oneof(
    fc.tuple(start, name, end),
    fc.tuple(fc.constantFrom('oci:', '@', '@dev/', ''), fc.string(), end),
  )
  const within = withinOption('--env', '@dev')
  fc.assert(
    fc.property(shaped, fc.constantFrom(config, emptyConfig), ([first, middle, last], given) => {
      const text = `${first}${middle}${last}`
      const image =
        given === config ? (attempt(text, within) ?? attempt(text)) : attempt(text, undefined, given)
      const again = image === undefined ? undefined : attempt(image.text, undefined, given)
      expect(again).toEqual(image)
    }),
    { numRuns: 2000 },
  )
})

/** Returns undefined for a DrayError. Any other error fails the test. */
function attempt(
  text: string,
  within = withinOption('--env', undefined),
  given = config,
): ResolvedImage | undefined {
  try {
    return resolveImage(text, { accepts, within }, given)
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}

it('a repository belongs to the environment with the longest path, and an option selects one of several equal ones', () => {
  expect(attempt('r.example/dev/api')).toMatchObject({ environment: 'dev', image: 'api', isNamed: true })
  expect(attempt('r.example/dev/api', withinOption('--env', 'any'))).toBeUndefined()
  expect(attempt('r.example/x/api', withinOption('--env', 'any'))).toMatchObject({ image: 'x/api' })
})

it('another loopback name belongs to the environment, but is not a source for --from', () => {
  expect(attempt('127.0.0.1:5000/api', withinOption('--env', 'near'))).toMatchObject({ isNamed: false })
  expect(attempt('127.0.0.1:5000/api', withinOption('--from', 'near'))).toBeUndefined()
  expect(attempt('localhost:5000/api', withinOption('--from', 'near'))).toMatchObject({ isNamed: true })
})

it('names in a sentence omit the environment unless two images would have the same name', () => {
  const images = ['@dev/api:1', '@any/api:1', '@dev/web:1', 'x.example/api:1'].flatMap(
    (text) => attempt(text) ?? [],
  )
  expect(namesOf(images)).toEqual(['@dev/api:1', '@any/api:1', 'web:1', 'x.example/api:1'])
})
