import { describe, expect, it, onTestFinished } from 'vitest'
import { explainCredentials } from '../../src/registry/credentials/explain-credentials.ts'
import { credentialSources, findCredentials } from '../../src/registry/credentials/find-credentials.ts'
import { forgetCredential, keepCredential } from '../../src/registry/credentials/keep-credential.ts'
import { parseKey } from '../../src/registry/credentials/registry-keys.ts'
import { home } from '../support/docker-home.ts'
import { notedCall } from '../support/http-world.ts'
import { dray } from '../support/program.ts'
import { reply, scriptedServer } from '../support/scripted-server.ts'

const pair = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })

/** The entries that docker 28 writes for a login in the browser without a credential store. */
const webLogin = {
  'https://index.docker.io/v1/': pair('alice:dckr_pat'),
  'https://index.docker.io/v1/access-token': pair('alice:ACCESS'),
  'https://index.docker.io/v1/refresh-token': pair('alice:REFRESH'),
}

const otherKeys = [
  'https://r.test:5000/v1/access-token',
  'https://r.test:5000/v1/refresh-token',
  'http://r.test:5000/v1/refresh-token',
  'https://r.test:5000/v1/anything',
  'https://r.test:5000/v2/team/api',
  'https://r.test:5000/v1/..',
  'https://r.test:5000/v1/%2e',
  'https://r.test:5000/V1/',
  'https://r.test:5000/v3/',
  'https://r.test:5000//',
  'https://r.test:5000/v1//',
  'https://r.test:5000/team',
  'https://r.test:5000/?service=a',
  'https://r.test:5000?a',
  'https://r.test:5000/v1/#refresh-token',
  'https://r.test:5000#a',
  'https://alice@r.test:5000/v1/',
  'https://alice:x@r.test:5000/',
  'https://evil.test@r.test:5000/',
  'https://r.test:5000\\v1',
  'https:///r.test:5000/',
  'https:r.test:5000',
  'ftp://r.test:5000/',
  'oci://r.test:5000/',
  'docker://r.test:5000',
  'alice@r.test:5000',
  'r.test:5000?a=b',
  'r.test:5000#a',
  'r.test:5000/v1?a',
  'r.test:5000//team',
  ' r.test:5000',
  'r.test:5000 ',
  'r.test:5000\n',
  'r.test:5000:5000',
  'r.test:500000',
] as const

describe('a key of an auth file', () => {
  it.each(otherKeys)('%j is for no registry', async (key) => {
    const one = await home({ auths: { [key]: pair('stolen:x') } })
    expect(await one.userFor('r.test:5000')).toBeUndefined()
    expect(await one.userFor('r.test:5000', 'team/api')).toBeUndefined()
    expect(await one.userFor('r.test')).toBeUndefined()
  })

  it.each(otherKeys)('%j names no helper', async (key) => {
    const one = await home({ credHelpers: { [key]: 'never-installed' } })
    expect(await one.userFor('r.test:5000', 'team/api')).toBeUndefined()
  })

  it.each([
    ['r.test:5000', 'r.test:5000'],
    ['R.Test:5000', 'r.test:5000'],
    ['r.test.:5000', 'r.test:5000'],
    ['r.test.', 'r.test'],
    ['r.test:5000/', 'r.test:5000'],
    ['r.test:5000/v1', 'r.test:5000'],
    ['r.test:5000/v2/', 'r.test:5000'],
    ['https://r.test:5000', 'r.test:5000'],
    ['https://r.test:5000/', 'r.test:5000'],
    ['https://r.test:5000/v1', 'r.test:5000'],
    ['https://r.test:5000/v1/', 'r.test:5000'],
    ['https://r.test:5000/v2', 'r.test:5000'],
    ['HTTPS://R.TEST:5000/v2/', 'r.test:5000'],
    ['http://r.test:5000/v1/', 'r.test:5000'],
    ['https://r.test:443/v2/', 'r.test'],
    ['http://r.test:80/', 'r.test'],
    ['[::1]:5000', '[::1]:5000'],
    ['https://[::1]:5000/v2/', '[::1]:5000'],
    ['index.docker.io', 'docker.io'],
    ['https://registry-1.docker.io/v2/', 'docker.io'],
    ['https://index.docker.io/v1', 'docker.io'],
  ])('%s is for %s', async (key, registry) => {
    const one = await home({ auths: { [key]: pair('ada:x') } })
    expect(await one.userFor(registry)).toBe('ada')
  })

  it('may be for a namespace with the name of an API version', async () => {
    const one = await home({ auths: { 'r.test/v1/team': pair('ada:x') } })
    expect(await one.userFor('r.test', 'v1/team/api')).toBe('ada')
    expect(await one.userFor('r.test', 'team/api')).toBeUndefined()
  })
})

describe('the entries of a login in the browser', () => {
  it.each([
    ['as docker writes them', Object.entries(webLogin)],
    ['in another order', Object.entries(webLogin).toReversed()],
    [
      'beside other keys of Docker Hub',
      [
        ['docker.io', pair('bob:x')] as const,
        ...Object.entries(webLogin),
        ['index.docker.io', pair('eve:x')] as const,
      ],
    ],
  ])('%s contain the password and no token', async (_name, entries) => {
    const one = await home({ auths: Object.fromEntries(entries) })
    const found = await findCredentials(one.options)('docker.io', 'library/a', notedCall())
    expect(found).toEqual({ kind: 'basic', username: 'alice', password: 'dckr_pat' })
  })

  it('stay in the file after dray login and dray logout', async () => {
    const one = await home({ auths: webLogin })
    const ada = { kind: 'basic', username: 'ada', password: 'x' } as const
    await keepCredential(one.place, 'docker.io', ada, notedCall())
    expect((await one.kept()).auths).toEqual({ ...webLogin, 'https://index.docker.io/v1/': pair('ada:x') })
    await forgetCredential(one.place, 'docker.io', notedCall())
    const { 'https://index.docker.io/v1/': _, ...tokens } = webLogin
    expect((await one.kept()).auths).toEqual(tokens)
    expect(await one.userFor('docker.io')).toBeUndefined()
  })

  it('are not used if a helper gives one of them for the registry', async () => {
    const answer = {
      ServerURL: 'https://index.docker.io/v1/refresh-token',
      Username: 'alice',
      Secret: 'REFRESH',
    }
    const one = await home({ credsStore: 'fuzzy' }, { fuzzy: `echo '${JSON.stringify(answer)}'` })
    expect(await one.userFor('docker.io')).toBeUndefined()
  })

  it('are listed by auth explain with the reason', async () => {
    const auths = {
      ...webLogin,
      'https://r.test/v1/refresh-token': pair('a:x'),
      'r.test': { registrytoken: 'canary' },
    }
    const one = await home({ auths })
    const explain = async (registry: string) =>
      (await explainCredentials(credentialSources(one.options), registry, undefined, notedCall())).at(-1)
    const why = 'only the paths /, /v1 and /v2 are a registry'
    expect(await explain('docker.io')).toMatchObject({
      state: 'used',
      ignored: [
        { key: 'https://index.docker.io/v1/access-token', why },
        { key: 'https://index.docker.io/v1/refresh-token', why },
      ],
    })
    expect(await explain('r.test')).toMatchObject({
      state: 'none',
      ignored: [
        { key: 'https://r.test/v1/refresh-token', why },
        { key: 'r.test', why: 'dray does not use a registrytoken' },
      ],
    })
    expect(await explain('other.test')).not.toHaveProperty('ignored')
    expect(JSON.stringify(await explain('r.test'))).not.toContain('canary')
  })
})

it.each(['https://r.test/v1/refresh-token', 'alice@r.test', 'ftp://r.test/'])(
  'DRAY_REGISTRY=%s is an error and means no registry',
  async (registry) => {
    const env = { DRAY_USERNAME: 'ada', DRAY_PASSWORD: 'canary', DRAY_REGISTRY: registry }
    const finding = findCredentials({ env, home: '/nowhere' })('r.test', 'a', notedCall())
    await expect(finding).rejects.toMatchObject({ code: 'config', subject: registry })
    await expect(finding).rejects.not.toThrow(/canary/)
  },
)

describe('a key with a password in it', () => {
  const keys = [
    ['https://alice:canary@r.test/v1/', 'https://alice@r.test/v1/'],
    ['https://alice:can/ary@r.test', 'https://alice@r.test'],
    ['//alice:canary@r.test', '//alice@r.test'],
    ['alice:canary@r.test', 'alice@r.test'],
  ] as const

  it.each(keys)('%s is ignored and shown as %s', (key, shown) => {
    expect(parseKey(key)).toMatchObject({ ignored: { text: shown } })
  })

  it.each(keys)('DRAY_REGISTRY=%s is an error that shows %s', async (registry, subject) => {
    const env = { DRAY_USERNAME: 'ada', DRAY_PASSWORD: 'secret', DRAY_REGISTRY: registry }
    const finding = findCredentials({ env, home: '/nowhere' })('r.test', 'a', notedCall())
    await expect(finding).rejects.toMatchObject({ code: 'config', subject })
    await expect(finding).rejects.not.toThrow(/can/)
  })
})

it('the program sends the password of the registry, and auth explain names the entries that it ignores', async () => {
  const registry = await scriptedServer((request, response) =>
    request.headers.authorization === `Basic ${pair('alice:real').auth}`
      ? reply(response, 200, {}, '{"name":"app","tags":[]}')
      : reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
  )
  onTestFinished(() => registry[Symbol.asyncDispose]())
  const base = `${registry.origin}/v1/`
  const { folder } = await home({
    auths: {
      [base]: pair('alice:real'),
      [`${base}access-token`]: pair('alice:ACCESS'),
      [`${base}refresh-token`]: pair('alice:REFRESH'),
    },
  })
  const options = { cwd: folder, env: { HOME: folder } }
  expect(await dray(['ls', `${registry.host}/app`], options)).toMatchObject({ code: 0 })
  const sent = registry.seen.flatMap(({ headers }) => headers.authorization ?? [])
  expect(new Set(sent)).toEqual(new Set([`Basic ${pair('alice:real').auth}`]))
  const explained = await dray(['auth', 'explain', registry.host], options)
  expect(explained.stdout).toContain(`ignored  ${base}refresh-token in `)
  expect(explained.stdout).not.toMatch(/ACCESS|REFRESH/)
})
