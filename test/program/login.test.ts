import { chmod, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dockerRegistry, startDockerRegistry, testUser } from '../support/docker-registry.ts'
import { startGuardedRegistry, secret, user } from '../support/guarded-registry.ts'
import { type Ended, warmDray } from '../support/program.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { tempFolder } from '../support/temp.ts'

/** A home without credentials. The first argument of `run` is its standard input. */
async function home() {
  const folder = await tempFolder()
  const file = join(folder, '.docker', 'config.json')
  const run = (
    stdin: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ended> =>
    warmDray(args, { cwd: folder, env: { HOME: folder, DRAY_LOG: 'debug', ...env }, input: stdin })
  const explained = async (registry: string, env: Readonly<Record<string, string>> = {}) => {
    const ended = await run('', ['auth', 'explain', registry, '--json'], env)
    expect(ended.stdout + ended.stderr).not.toContain(secret)
    return JSON.parse(ended.stdout) as { ok: boolean; result: { used: string | null } }
  }
  return { folder, file, run, explained }
}

const asUser = ['--username', user, '--password-stdin']

describe('dray login', () => {
  it.each(['basic', 'bearer'] as const)(
    'checks and stores credentials that commands then use (%s)',
    async (scheme) => {
      const registry = await startGuardedRegistry({ scheme })
      const one = await home()
      const ended = await one.run(`${secret}\n`, ['login', registry.name, ...asUser])
      expect(ended).toMatchObject({ code: 0 })
      expect(ended.stdout).toContain(`logged in  ${user} at ${registry.name}, saved in ${one.file}`)
      expect(ended.stdout + ended.stderr).not.toContain(secret)
      expect((await stat(one.file)).mode & 0o777).toBe(0o600)
      expect((await one.explained(registry.name)).result.used).toBe('docker')
      expect(await one.run('', ['ls', `${registry.name}/staging/api`])).toMatchObject({ code: 0 })
      // A login needs no permission.
      expect(registry.scopes()[0] ?? '').toBe('')
      const out = await one.run('', ['logout', registry.name])
      expect(out).toMatchObject({
        code: 0,
        stdout: `logged out  of ${registry.name}, removed from ${one.file}\n`,
      })
      expect((await one.explained(registry.name)).result.used).toBeNull()
      expect(await one.run('', ['logout', registry.name])).toMatchObject({
        code: 0,
        stdout: `not logged in to ${registry.name}\n`,
      })
    },
  )

  it.each(['basic', 'bearer'] as const)(
    'does not store credentials that the registry refuses (%s)',
    async (scheme) => {
      const registry = await startGuardedRegistry({ scheme })
      const one = await home()
      const ended = await one.run('canary-wrong', ['login', registry.name, ...asUser])
      expect(ended).toMatchObject({ code: 1, stdout: '' })
      expect(ended.stderr).toContain(`error: cannot log in to ${registry.name} as ${user}`)
      expect(ended.stderr).not.toContain('canary')
      await expect(stat(one.file)).rejects.toThrow('ENOENT')
    },
  )

  it('names https if the registry expects it', async () => {
    const server = await scriptedServer(
      (_, response) => void response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n'),
    )
    onTestFinished(() => server[Symbol.asyncDispose]())
    const ended = await (await home()).run(secret, ['login', server.host, ...asUser])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('why: HTTP 400, it answered that it expects https')
    expect(ended.stderr).toContain('insecure: false')
  })

  it('warns if the registry does not ask for credentials', async () => {
    const server = await scriptedServer((_, response) => void response.writeHead(200).end('{}'))
    onTestFinished(() => server[Symbol.asyncDispose]())
    const ended = await (await home()).run(secret, ['login', server.host, ...asUser])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain('dray could not check them')
    expect(JSON.stringify(server.seen)).not.toContain(Buffer.from(`${user}:${secret}`).toString('base64'))
  })

  it('warns if other credentials have precedence', async () => {
    const registry = await startGuardedRegistry({ scheme: 'basic' })
    const one = await home()
    const env = { DRAY_USERNAME: 'bob', DRAY_PASSWORD: 'x', DRAY_REGISTRY: registry.name }
    const ended = await one.run(secret, ['login', registry.name, ...asUser], env)
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain('DRAY_USERNAME, DRAY_PASSWORD and DRAY_REGISTRY instead')
  })

  it('stores credentials in the file of --auth-file', async () => {
    const registry = await startGuardedRegistry({ scheme: 'basic' })
    const one = await home()
    const args = ['login', registry.name, ...asUser, '--auth-file', 'auth.json']
    expect(await one.run(secret, args)).toMatchObject({ code: 0 })
    const env = { REGISTRY_AUTH_FILE: join(one.folder, 'auth.json') }
    expect((await one.explained(registry.name, env)).result.used).toBe('REGISTRY_AUTH_FILE')
  })

  it.each([
    ['no user', ['login', 'r.example.com'], 'the user or the password for r.example.com is missing'],
    [
      'no password',
      ['login', 'r.example.com', '-u', 'a'],
      'the user or the password for r.example.com is missing',
    ],
    ['an empty password', ['login', 'r.example.com', ...asUser], 'stdin has no password'],
    ['a repository', ['login', 'r.example.com/a', ...asUser], 'is a repository'],
    ['no registry', ['login', 'a b', ...asUser], '"a b" is not a registry'],
    ['a repository to log out of', ['logout', 'r.example.com/a'], 'dray logout r.example.com'],
  ])('with %s is wrong usage', async (_, args, message) => {
    const ended = await (await home()).run('', args)
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toContain(message)
  })

  it.skipIf(!dockerRegistry.available)(
    `accepts the users of docker-registry${dockerRegistry.note}`,
    async () => {
      const registry = await startDockerRegistry({ htpasswd: testUser.htpasswd })
      onTestFinished(() => registry.stop())
      const one = await home()
      const login = ['login', registry.host, '--username', testUser.username, '--password-stdin', '--json']
      const ended = await one.run(testUser.password, login)
      expect(JSON.parse(ended.stdout)).toMatchObject({
        ok: true,
        result: { registry: registry.host, username: testUser.username, checked: true, helper: null },
      })
      expect(await one.run('wrong', login)).toMatchObject({ code: 1 })
    },
  )
})

describe('credentials on the command line', () => {
  it('are sent only to the registry of --auth-registry', async () => {
    const registry = await startGuardedRegistry({ scheme: 'bearer' })
    const other = await startGuardedRegistry({ scheme: 'basic' })
    const one = await home()
    const named = [...asUser, '--auth-registry', registry.name]
    expect(await one.run(secret, ['ls', `${registry.name}/staging/api`, ...named])).toMatchObject({ code: 0 })
    const elsewhere = await one.run(secret, ['ls', `${other.name}/staging/api`, ...named])
    expect(elsewhere).toMatchObject({ code: 1 })
    expect(elsewhere.stderr).toContain(`dray found no credentials for ${other.name}`)
  })

  it('can be variables instead', async () => {
    const registry = await startGuardedRegistry({ scheme: 'bearer' })
    const env = { DRAY_USERNAME: user, DRAY_PASSWORD: secret, DRAY_REGISTRY: registry.name }
    expect(await (await home()).run('', ['ls', `${registry.name}/staging/api`], env)).toMatchObject({
      code: 0,
    })
  })

  it.each([
    ['without a registry', ['ls', 'r.example.com/a', ...asUser], '--username "ada" needs a registry'],
    ['without a password', ['ls', 'r.example.com/a', '-u', 'ada'], '--username needs a password'],
    ['without a user', ['ls', 'r.example.com/a', '--password-stdin'], '--username'],
  ])('%s are wrong usage', async (_, args, message) => {
    const ended = await (await home()).run(secret, args)
    expect(ended).toMatchObject({ code: 64, stdout: '' })
    expect(ended.stderr).toContain(message)
  })
})

describe('a credential helper', () => {
  /** A home whose docker configuration names the helper `chain`. */
  async function withHelper(script: string | undefined, name = 'chain') {
    const one = await home()
    const bin = join(one.folder, 'bin')
    await mkdir(bin)
    await mkdir(join(one.folder, '.docker'))
    await writeFile(one.file, JSON.stringify({ credsStore: name }))
    if (script !== undefined) {
      await writeFile(join(bin, 'docker-credential-chain'), `#!/bin/sh\n${script}\n`)
      await chmod(join(bin, 'docker-credential-chain'), 0o755)
    }
    return { ...one, env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, OUT: one.folder } }
  }

  it('provides the credentials of a command', async () => {
    const registry = await startGuardedRegistry({ scheme: 'bearer' })
    const one = await withHelper(`echo '{"Username":"${user}","Secret":"${secret}"}'`)
    expect(await one.run('', ['ls', `${registry.name}/staging/api`], one.env)).toMatchObject({ code: 0 })
  })

  it.each([
    ['hangs', 'sleep 100', '--timeout 1s', 'the time limit'],
    ['leaves a child that holds its pipe', 'sleep 100 & exit 2', undefined, 'status 2'],
    ['fails', 'echo canary >&2; exit 2', undefined, 'it ended with status 2'],
  ])('that %s ends the run before any request', async (_, script, flags, why) => {
    const server = await scriptedServer(
      (_request, response) => void response.writeHead(200).end('{"tags":["a"]}'),
    )
    onTestFinished(() => server[Symbol.asyncDispose]())
    const one = await withHelper(script)
    const args = ['ls', `${server.host}/team/api`, ...(flags?.split(' ') ?? [])]
    const ended = await one.run('', args, one.env)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain(why)
    expect(ended.stderr).not.toContain('canary')
    expect(server.seen).toEqual([])
  })
})
