import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createPullSecret, type CreatedPullSecret } from '../../../src/cli/kubernetes/create-pull-secret.ts'
import { resolveSecretRegistries } from '../../../src/cli/kubernetes/pull-secret-registries.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { FindOptions } from '../../../src/registry/credentials/find-credentials.ts'
import { home } from '../../support/docker-home.ts'
import { notedCall } from '../../support/http-world.ts'

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  prod:
    targets:
      - { registry: eu.example.com, path: 'prod/{image}' }
      - { registry: us.example.com, path: '{image}' }
`,
  },
  'dray.yaml',
)
const auth = (user: string, password = 'canary'): object => ({
  auth: Buffer.from(`${user}:${password}`).toString('base64'),
})

async function create(options: FindOptions, ...registries: readonly string[]): Promise<CreatedPullSecret> {
  const named = resolveSecretRegistries(registries, config)
  return await createPullSecret(named, config, options, { name: 'regcred' }, notedCall())
}

async function failure(options: FindOptions, ...registries: readonly string[]): Promise<DrayError> {
  const error: unknown = await create(options, ...registries).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DrayError)
  return error as DrayError
}

/** Returns the users in the Secret by its keys. */
function usersIn({ manifest }: CreatedPullSecret): Readonly<Record<string, string>> {
  const { data } = manifest as unknown as { readonly data: Readonly<Record<string, string>> }
  const text = Buffer.from(data['.dockerconfigjson'] ?? '', 'base64').toString('utf8')
  const { auths } = JSON.parse(text) as { auths: Record<string, { username: string }> }
  return Object.fromEntries(Object.entries(auths).map(([key, { username }]) => [key, username]))
}

describe('the Secret', () => {
  it('has the named registries and no other one of the file', async () => {
    const { options } = await home({
      auths: { 'a.example.com': auth('a'), 'b.example.com': auth('b'), 'c.example.com': auth('c') },
    })
    const created = await create(options, 'a.example.com', 'c.example.com', 'a.example.com')
    expect(usersIn(created)).toEqual({ 'a.example.com': 'a', 'c.example.com': 'c' })
    expect(created.registries).toEqual([
      { registry: 'a.example.com', expiresAt: null },
      { registry: 'c.example.com', expiresAt: null },
    ])
    expect(created.warnings).toEqual([])
  })

  it.each(['docker.io', 'index.docker.io', 'https://index.docker.io/v1/'])(
    "has docker's own key for %s",
    async (name) => {
      const { options } = await home({ auths: { 'https://index.docker.io/v1/': auth('me') } })
      expect(usersIn(await create(options, name))).toEqual({ 'https://index.docker.io/v1/': 'me' })
    },
  )

  it('has the credentials of a namespace under that namespace', async () => {
    const { options } = await home({
      auths: { 'r.example.com/team': auth('team'), 'r.example.com': auth('all') },
    })
    const created = await create(options, 'r.example.com/team', 'r.example.com/other', 'r.example.com')
    expect(usersIn(created)).toEqual({
      'r.example.com': 'all',
      'r.example.com/other': 'all',
      'r.example.com/team': 'team',
    })
  })

  it('has the namespaces of the targets of an environment', async () => {
    const { options } = await home({
      auths: { 'eu.example.com/prod': auth('eu'), 'us.example.com': auth('us') },
    })
    expect(usersIn(await create(options, '@prod'))).toEqual({
      'eu.example.com/prod': 'eu',
      'us.example.com': 'us',
    })
  })

  it('has the credentials of helpers', async () => {
    const { options } = await home(
      { credHelpers: { 'r.example.com': 'x' } },
      { x: `echo '{"Username":"helped","Secret":"canary"}'` },
    )
    expect(usersIn(await create(options, 'r.example.com'))).toEqual({ 'r.example.com': 'helped' })
  })

  it('has a refresh token of Azure as the password of the user that Azure documents', async () => {
    const { options } = await home({ auths: { 'acme.azurecr.io': { identitytoken: 'canary' } } })
    expect(usersIn(await create(options, 'acme.azurecr.io'))).toEqual({
      'acme.azurecr.io': '00000000-0000-0000-0000-000000000000',
    })
  })
})

describe('dray creates no Secret', () => {
  it('without credentials for each registry, and names those that have none', async () => {
    const { options } = await home({ auths: { 'a.example.com': auth('a') } })
    const error = await failure(options, 'a.example.com', 'b.example.com', 'c.example.com/team')
    expect(error).toMatchObject({
      code: 'config',
      message: 'there are no credentials for b.example.com and c.example.com/team',
    })
  })

  it('with a refresh token that no kubelet can send', async () => {
    const { options } = await home({ auths: { 'r.example.com': { identitytoken: 'canary' } } })
    const error = await failure(options, 'r.example.com')
    expect(error).toMatchObject({ code: 'unsupported', subject: 'r.example.com' })
    expect(inspect(error)).not.toContain('canary')
  })

  it('if a helper fails, without the output of the helper', async () => {
    const { options } = await home(
      { credHelpers: { 'r.example.com': 'x' } },
      { x: 'echo canary; echo canary >&2; exit 1' },
    )
    const error = await failure(options, 'r.example.com')
    expect(error.code).toBe('config')
    expect(inspect(error)).not.toContain('canary')
  })
})

describe('a token that expires', () => {
  it.each([
    ['123456789012.dkr.ecr.eu-central-1.amazonaws.com', 'AWS', 'within 12 hours'],
    ['europe-docker.pkg.dev', 'oauth2accesstoken', 'within 1 hour'],
  ])('at %s is a warning', async (registry, user, end) => {
    const { options } = await home({ auths: { [registry]: auth(user) } })
    const { warnings, registries } = await create(options, registry)
    expect(warnings).toEqual([
      `The token of ${registry} expires ${end}. Replace the Secret before, or use credentials that last.`,
    ])
    expect(registries).toEqual([{ registry, expiresAt: null }])
  })

  it('has its time in the result if the token has it', async () => {
    const token = `e30.${Buffer.from('{"exp":1790000000}').toString('base64url')}.c2ln`
    const { options } = await home({ auths: { 'r.example.com': auth('ci', token) } })
    const { registries, warnings } = await create(options, 'r.example.com')
    expect(registries).toEqual([{ registry: 'r.example.com', expiresAt: '2026-09-21T14:13:20.000Z' }])
    expect(warnings.join()).toContain('expires at 2026-09-21T14:13:20.000Z')
  })
})
