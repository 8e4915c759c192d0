import { spawnSync } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { dray, type Ended } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const unknownId = 1_234_567
const asUnknown = ['setpriv', `--reuid=${unknownId}`, `--regid=${unknownId}`, '--clear-groups']
const mayBecome = spawnSync('setpriv', [...asUnknown.slice(1), 'true']).status === 0

/** Runs dray like `docker run --user 1234567`: without an entry in /etc/passwd, USER and SHELL. */
function run(
  args: readonly string[],
  home: string | undefined,
  env: Record<string, string> = {},
): Promise<Ended> {
  const unset = home === undefined ? ['env', '-u', 'HOME'] : []
  return dray(args, {
    cwd: '/',
    env: { ...(home !== undefined && { HOME: home }), TMPDIR: '/nonexistent', ...env },
    under: [...asUnknown, ...unset],
  })
}

async function registryWithImage(): Promise<WatchedRegistry> {
  const registry = await watchedRegistry()
  await registry.oracle.push(image({ label: 'a' }), 'app', '1.0.0')
  return registry
}

describe.skipIf(!mayBecome)('a user id without an entry in /etc/passwd', () => {
  it.each([
    ['HOME is not set', undefined],
    ['HOME is /', '/'],
  ])(
    'reads without a writable folder, and changes nothing without a place for the log: %s',
    async (_, home) => {
      await using registry = await registryWithImage()
      const [list, copy] = await Promise.all([
        run(['ls', `${registry.host}/app`], home),
        run(['copy', `${registry.host}/app:1.0.0`, `${registry.host}/copy`, '--yes'], home),
      ])
      expect(list).toMatchObject({ code: 0, stdout: expect.stringContaining('1.0.0') })
      expect(copy).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Set XDG_STATE_HOME to a folder'),
      })
      expect(await registry.oracle.digest('copy', '1.0.0')).toBeUndefined()
    },
  )

  it('changes registries if a variable names a place for the log', async () => {
    await using registry = await registryWithImage()
    const folder = await tempFolder()
    await chown(folder, unknownId, unknownId)
    const copy = await run(
      ['copy', `${registry.host}/app:1.0.0`, `${registry.host}/copy`, '--yes'],
      undefined,
      { XDG_STATE_HOME: join(folder, 'state') },
    )
    expect(copy, copy.stderr).toMatchObject({ code: 0 })
    expect(await registry.oracle.digest('copy', '1.0.0')).toBe(await registry.oracle.digest('app', '1.0.0'))
  })

  it('is not logged in without a place for credentials, and login says how to name one', async () => {
    await using registry = await registryWithImage()
    expect(await run(['logout', registry.host], undefined)).toMatchObject({
      code: 0,
      stdout: `not logged in to ${registry.host}\n`,
    })
    const login = ['login', registry.host, '--username', 'ada', '--password-stdin']
    const refused = await dray(login, {
      cwd: '/',
      env: { HOME: '/' },
      under: ['sh', '-c', 'printf x | "$@"', 'sh', ...asUnknown],
    })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--auth-file FILE') })
  })
})
