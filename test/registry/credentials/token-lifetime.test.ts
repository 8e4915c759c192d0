import { describe, expect, it } from 'vitest'
import { lifetimeOf } from '../../../src/registry/credentials/token-lifetime.ts'

const ecr = '123456789012.dkr.ecr.eu-central-1.amazonaws.com'
const gar = 'europe-docker.pkg.dev'
const basic = (username: string, password: string) => ({ kind: 'basic', username, password }) as const
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
const jwt = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

describe('the lifetime of a token', () => {
  it('is in the password of Amazon ECR', () => {
    const password = base64({ payload: 'x', datakey: 'y', version: '2', expiration: 1_790_000_000 })
    expect(lifetimeOf(ecr, basic('AWS', password))).toEqual({ expiresAt: 1_790_000_000_000 })
    expect(lifetimeOf('mirror.example.com', basic('AWS', password))).toEqual({ expiresAt: 1_790_000_000_000 })
  })

  it.each(['secret', base64({}), base64({ expiration: 'x' }), base64({ expiration: 1e300 })])(
    'of Amazon ECR is 12 hours if its password %j has no expiration',
    (password) => {
      expect(lifetimeOf(ecr, basic('AWS', password))).toEqual({ within: '12 hours' })
    },
  )

  it.each(['oauth2accesstoken', '_dcgcloud_token', '_dcgcr_2_1_0_token', '_token'])(
    'of Google with the user %s is 1 hour',
    (user) => {
      expect(lifetimeOf(gar, basic(user, 'secret'))).toEqual({ within: '1 hour' })
    },
  )

  it('is in every JSON Web Token', () => {
    const token = jwt({ exp: 1_790_000_000 })
    const expected = { expiresAt: 1_790_000_000_000 }
    expect(lifetimeOf('acme.azurecr.io', { kind: 'identity', token })).toEqual(expected)
    expect(lifetimeOf('registry.example.com', basic('ci', token))).toEqual(expected)
  })

  it('of tokens of CI jobs is short', () => {
    expect(lifetimeOf('ghcr.io', basic('x', 'ghs_abc'))).toEqual({ within: '1 hour' })
    expect(lifetimeOf('registry.gitlab.com', basic('gitlab-ci-token', 'abc'))).toEqual({
      within: 'the time of its CI job',
    })
  })

  it.each([
    [gar, '_json_key', '{"type":"service_account"}'],
    [gar, '_json_key_base64', 'e30='],
    ['ghcr.io', 'octocat', 'ghp_abc'],
    ['docker.io', 'me', 'dckr_pat_abc'],
    ['registry.example.com', 'ci', 'secret'],
  ])('is unknown at %s for the user %s', (registry, user, password) => {
    expect(lifetimeOf(registry, basic(user, password))).toBeUndefined()
  })
})
