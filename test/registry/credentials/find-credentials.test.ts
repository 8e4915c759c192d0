import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/lib/clock.ts'
import type { CredentialSource } from '../../../src/registry/credential.ts'
import { findCredentials } from '../../../src/registry/credentials/find-credentials.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

interface World {
  readonly source: CredentialSource
  readonly file: string
  readonly folder: string
}

interface WorldOptions {
  /** scripts by name of the helper; `$1` is the command, the registry comes on stdin */
  readonly helpers?: Readonly<Record<string, string>>
  readonly clock?: Clock
  readonly limitMs?: number
}

/** A home folder with the file of docker (as text or JSON), and a PATH with helpers. */
async function world(config: unknown, options: WorldOptions = {}): Promise<World> {
  const folder = await tempFolder()
  const file = join(folder, '.docker', 'config.json')
  await mkdir(join(folder, '.docker'))
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config))
  for (const [name, script] of Object.entries(options.helpers ?? {})) {
    const path = join(folder, `docker-credential-${name}`)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }
  const source = findCredentials({
    env: { PATH: `${folder}:/usr/bin:/bin`, OUT: folder },
    home: folder,
    ...(options.clock && { clock: options.clock }),
    ...(options.limitMs !== undefined && { helperLimitMs: options.limitMs }),
  })
  return { source, file, folder }
}

const pair = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })
const basic = (username: string, password: string): object => ({ kind: 'basic', username, password })

async function failure(w: World, registry = 'r.test'): Promise<DrayError> {
  const error: unknown = await w.source(registry, 'a', notedCall()).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DrayError)
  expect(everything(error)).not.toContain('canary')
  return error as DrayError
}

/** All text of an error, including its causes. */
function everything(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack} ${JSON.stringify(error)} ${everything(error.cause)}`
}

describe('the file of docker', () => {
  it('means no credentials if it does not exist', async () => {
    const source = findCredentials({ env: {}, home: await tempFolder() })
    expect(await source('r.test', 'a', notedCall())).toBeUndefined()
  })

  it('is in the folder that DOCKER_CONFIG names', async () => {
    const w = await world({ auths: { 'r.test': pair('ada:secret') } })
    const source = findCredentials({ env: { DOCKER_CONFIG: join(w.folder, '.docker') }, home: '/nowhere' })
    expect(await source('r.test', undefined, notedCall())).toEqual(basic('ada', 'secret'))
  })

  it.each([
    ['auth', pair('ada:se:cret'), basic('ada', 'se:cret')],
    ['auth with NULs at its end', pair('ada:secret\0\0'), basic('ada', 'secret')],
    ['username and password', { username: 'ada', password: 'secret' }, basic('ada', 'secret')],
    ['identitytoken', { ...pair('ada:'), identitytoken: 'it' }, { kind: 'identity', token: 'it' }],
    ['the user <token>', pair('<token>:it'), { kind: 'identity', token: 'it' }],
    ['nothing', {}, undefined],
    ['an empty auth', { auth: '' }, undefined],
  ])('contains %s', async (_name, entry, credential) => {
    const w = await world({ auths: { 'r.test': entry } })
    expect(await w.source('r.test', 'a', notedCall())).toEqual(credential)
  })

  it.each([
    ['r.test:5000', 'r.test:5000'],
    ['https://r.test:5000', 'r.test:5000'],
    ['https://r.test:5000/v2/', 'r.test:5000'],
    ['http://r.test:5000/v1/', 'r.test:5000'],
    ['r.test:5000/v1/', 'r.test:5000'],
    ['R.test:5000', 'r.test:5000'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['docker.io', 'docker.io'],
  ])('has credentials under %s for %s', async (key, registry) => {
    const w = await world({ auths: { [key]: pair('ada:secret') } })
    expect(await w.source(registry, 'library/a', notedCall())).toEqual(basic('ada', 'secret'))
  })

  it.each(['r.test', 'r.test:5001', 'x.r.test:5000', 'r.test.evil.test:5000'])(
    'does not give the credentials of r.test:5000 to %s',
    async (registry) => {
      const w = await world({
        auths: { 'r.test:5000': pair('ada:secret'), 'https://r.test:5000/v2/': pair('a:b') },
      })
      expect(await w.source(registry, 'a', notedCall())).toBeUndefined()
    },
  )

  it('prefers the key that is only the host to its other spellings', async () => {
    const auths = { 'r.test': pair('host:x'), 'https://r.test/v2/': pair('url:x') }
    expect(await (await world({ auths })).source('r.test', 'a', notedCall())).toEqual(basic('host', 'x'))
  })

  it.each([
    ['team/api/web', 'team-api'],
    ['team/api', 'team-api'],
    ['team/apical', 'team'],
    ['team', 'team'],
    ['teams', 'host'],
    [undefined, 'host'],
  ])('uses the most specific key for %s', async (path, username) => {
    const w = await world({
      auths: {
        'r.test': pair('host:x'),
        'r.test/team/api': pair('team-api:x'),
        'r.test/team': pair('team:x'),
      },
    })
    expect(await w.source('r.test', path, notedCall())).toEqual(basic(username, 'x'))
  })

  it.each([
    ['canary', 'it is not JSON'],
    ['{"auths": "canary"}', 'auths is not an object'],
    ['["canary"]', 'it is not an object'],
    ['{"auths": {"r.test": "canary"}}', 'auths["r.test"] is not an object'],
    ['{"auths": {"r.test": {"auth": 5}}}', 'auths["r.test"].auth is not a string'],
    [
      '{"auths": {"r.test": {"auth": "%canary%"}}}',
      'auths["r.test"].auth is not the Base64 of user:password',
    ],
    [
      '{"auths": {"r.test": {"auth": "Y2FuYXJ5"}}}',
      'auths["r.test"].auth is not the Base64 of user:password',
    ],
    ['{"credsStore": 7}', 'credsStore is not the name of a credential helper'],
    ['{"credHelpers": []}', 'credHelpers is not an object'],
  ])('with %s is an error that names it and contains none of its content', async (text, why) => {
    const w = await world(text)
    const error = await failure(w)
    expect(error).toMatchObject({ code: 'config', subject: w.file })
    expect(error.why).toContain(why)
  })

  it('that cannot be read is an error, not "no credentials"', async () => {
    const folder = await tempFolder()
    await mkdir(join(folder, 'config.json'))
    const source = findCredentials({ env: { DOCKER_CONFIG: folder }, home: folder })
    await expect(source('r.test', 'a', notedCall())).rejects.toMatchObject({ code: 'config' })
  })
})

describe('a credential helper', () => {
  const answers = (username: string): string =>
    `read server; echo "$1 $server" >>"$OUT/log"; echo '{"ServerURL":"x","Username":"${username}","Secret":"s"}'`

  it('gets the host on its standard input, once', async () => {
    const w = await world({ credsStore: 'store' }, { helpers: { store: answers('ada') } })
    const requests = [w.source('r.test', 'a', notedCall()), w.source('r.test', 'b', notedCall())]
    expect(await Promise.all(requests)).toEqual([basic('ada', 's'), basic('ada', 's')])
    expect(await readFile(join(w.folder, 'log'), 'utf8')).toBe('get r.test\n')
  })

  it('gets the name of Docker Hub that docker uses', async () => {
    const w = await world({ credsStore: 'store' }, { helpers: { store: answers('ada') } })
    await w.source('docker.io', 'library/a', notedCall())
    expect(await readFile(join(w.folder, 'log'), 'utf8')).toBe('get https://index.docker.io/v1/\n')
  })

  it('of a registry has precedence over the store, and both over auths', async () => {
    const config = {
      auths: { 'r.test': pair('auths:x'), 'other.test': pair('auths:x') },
      credHelpers: { 'r.test': 'own' },
      credsStore: 'store',
    }
    const w = await world(config, { helpers: { own: answers('own'), store: answers('store') } })
    expect(await w.source('r.test', 'a', notedCall())).toEqual(basic('own', 's'))
    expect(await w.source('other.test', 'a', notedCall())).toEqual(basic('store', 's'))
  })

  it('can return a refresh token', async () => {
    const w = await world({ credsStore: 'store' }, { helpers: { store: answers('<token>') } })
    expect(await w.source('r.test', 'a', notedCall())).toEqual({ kind: 'identity', token: 's' })
  })

  it('can report that it has no credentials', async () => {
    const none = 'echo credentials not found in native keychain; exit 1'
    const w = await world({ credsStore: 'store' }, { helpers: { store: none } })
    expect(await w.source('r.test', 'a', notedCall())).toBeUndefined()
  })

  it.each([
    ['fails', 'echo canary; echo canary >&2; exit 3', 'it ended with status 3'],
    ['prints garbage', 'echo canary', 'is not the JSON object'],
    ['prints other JSON', `echo '["canary"]'`, 'is not the JSON object'],
    ['prints no secret', `echo '{"Username":"canary","Secret":""}'`, 'is not the JSON object'],
    ['prints without end', 'yes canary', 'it printed more than 65536 bytes'],
    [
      'reports that it has no credentials and succeeds',
      'echo credentials not found in native keychain',
      'is not the JSON object',
    ],
    ['does not read its input', 'exec 0<&-; exit 4', 'it ended with status 4'],
    ['is killed', 'kill -9 $$', 'it ended with status unknown'],
  ])('that %s is an error that names it and contains none of its output', async (_name, script, why) => {
    const w = await world({ credsStore: 'store' }, { helpers: { store: script } })
    const error = await failure(w)
    expect(error).toMatchObject({ code: 'config', subject: 'docker-credential-store' })
    expect(error.why).toContain(why)
  })

  it('that hangs is stopped after 30 s', async () => {
    const clock = manualClock()
    const script = 'echo $$ >"$OUT/pid"; exec sleep 600'
    const w = await world({ credsStore: 'store' }, { helpers: { store: script }, clock })
    const pending = failure(w)
    await clock.sleepers(1)
    await clock.advance(30_000)
    expect(await pending).toMatchObject({ code: 'timeout', subject: 'docker-credential-store' })
  })

  it('that leaves a child with its pipes ends at once', async () => {
    const clock = manualClock()
    const w = await world({ credsStore: 'store' }, { helpers: { store: 'sleep 20 & exit 0' }, clock })
    const pending = failure(w)
    await clock.sleepers(2)
    await clock.advance(500)
    expect(await pending).toMatchObject({ code: 'config', subject: 'docker-credential-store' })
  })

  it('is stopped when the call ends', async () => {
    const clock = manualClock()
    const w = await world({ credsStore: 'store' }, { helpers: { store: 'exec sleep 600' }, clock })
    const call = notedCall()
    const pending = w.source('r.test', 'a', call).catch((error: unknown) => error)
    await clock.sleepers(1)
    call.abort(new DrayError('interrupted', 'enough'))
    expect(await pending).toMatchObject({ code: 'interrupted' })
  })

  it('that is not installed is an error', async () => {
    const error = await failure(await world({ credsStore: 'missing' }))
    expect(error).toMatchObject({
      code: 'config',
      message: 'the credential helper docker-credential-missing was not found',
    })
  })

  it('is not started for a key without a helper', async () => {
    // containers-auth.json(5)
    const config = { credHelpers: { 'r.test': '' }, credsStore: 'a', auths: { 'r.test': pair('bob:x') } }
    const w = await world(config, { helpers: { a: answers('ada') } })
    expect(await w.source('r.test', 'a', notedCall())).toEqual(basic('bob', 'x'))
  })

  it.each(['a; touch $OUT/owned', '../evil', 'a b', '$(x)', 'a\nb'])(
    'whose name is %j is never started',
    async (name) => {
      const w = await world({ credHelpers: { 'r.test': name } }, { helpers: { a: answers('ada') } })
      expect(await failure(w)).toMatchObject({ code: 'config', subject: w.file })
      await expect(readFile(join(w.folder, 'log'))).rejects.toThrow('ENOENT')
      await expect(readFile(join(w.folder, 'owned'))).rejects.toThrow('ENOENT')
    },
  )
})

describe('a search after the registry refused a credential', () => {
  it('reads the file and runs the helper again', async () => {
    const w = await world(
      { credHelpers: { 'r.test': 'count' } },
      {
        helpers: {
          count: `echo x >> "$OUT/runs"; echo '{"Username":"ada","Secret":"'$(wc -l < "$OUT/runs")'"}'`,
        },
      },
    )
    const secretOf = async (isAgain?: boolean): Promise<string | undefined> => {
      const found = await w.source('r.test', 'a', notedCall(), isAgain)
      return found?.kind === 'basic' ? found.password : undefined
    }
    expect(await secretOf()).toBe('1')
    expect(await secretOf()).toBe('1')
    expect(await secretOf(true)).toBe('2')
    expect(await secretOf()).toBe('2')
    await writeFile(w.file, JSON.stringify({ auths: { 'r.test': pair('ada:renewed') } }))
    expect(await secretOf()).toBe('2')
    expect(await secretOf(true)).toBe('renewed')
  })
})
