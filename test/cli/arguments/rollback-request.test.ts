import { expect, it } from 'vitest'
import { type RollbackOptions, rollbackRequest } from '../../../src/cli/arguments/rollback-request.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const digest = digestOf('x')

it.each([
  [':1.3.9', 'Omit it, and pass --to 1.3.9.'],
  [`@${digest}`, `Omit it, and pass --to ${digest}.`],
  // --to accepts no floating tag.
  [':latest', 'Omit it.'],
])('an image with %s gets a fix that rollback accepts', (release, hint) => {
  const image = `r.example/prod/api${release}`
  const options = { image, env: undefined, to: undefined, partial: false, cwd: '/p' }
  expect(() => rollbackRequest(options, emptyConfig)).toThrow(
    expect.objectContaining({ code: 'usage', hint }),
  )
})

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  prod:
    registry: r.example
    path: "prod/{image}"
    currentTag: live
    tags: { scheme: calver, variants: [alpine] }
`,
  },
  'dray.yaml',
)
const request = (given: Partial<RollbackOptions>) =>
  rollbackRequest(
    { image: '@prod/api', env: undefined, to: undefined, partial: false, cwd: '/p', ...given },
    config,
  )

it('a variant has a current-version tag of its own', () => {
  expect(request({})).toMatchObject({ variant: '', currentTag: 'live', policy: { scheme: 'calver' } })
  expect(request({ variant: 'alpine' })).toMatchObject({ variant: 'alpine', currentTag: 'alpine' })
  expect(request({ variant: 'slim' }).policy.variants).toEqual(['alpine', 'slim'])
})

it.each([
  [
    { to: '1.4.2' },
    'is not a version in the scheme calver',
    'Set "scheme: semver" in environments.prod.tags',
  ],
  [{ to: 'stable' }, 'is neither a version nor a digest', 'A version is a year, a month or week'],
  [{ to: '2024.04.1', variant: 'alpine' }, 'is not a version of --variant', 'Pass --to 2024.04.1-alpine'],
  [{ variant: 'debian-*' }, 'is a pattern', 'Pass one suffix'],
])('the options %j are refused', (given, message, hint) => {
  expect(() => request(given)).toThrow(
    expect.objectContaining({
      code: 'usage',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    }),
  )
})
