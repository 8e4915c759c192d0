import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Context } from '../../../src/cli/wiring/context.ts'
import { secret, startGuardedRegistry, user } from '../../support/guarded-registry.ts'
import { newCall } from '../../registry/client/world.ts'
import { tempFolder } from '../../support/temp.ts'

it('a renewed context finds changed credentials, and requests a token again', async () => {
  const { name, scopes } = await startGuardedRegistry({ scheme: 'bearer' })
  const home = await tempFolder()
  const login = async (password: string): Promise<void> => {
    const auth = Buffer.from(`${user}:${password}`).toString('base64')
    await mkdir(join(home, '.docker'), { recursive: true })
    await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ auths: { [name]: { auth } } }))
  }
  await login('expired')
  const context = new Context({ configFile: undefined, env: { HOME: home }, cwd: home, version: '0' })
  onTestFinished(() => context.close())
  const resolve = async () =>
    await (
      await context.stores()
    )
      .source({ registry: name, path: 'staging/api' })
      .resolve({ tag: '1.4.2' }, newCall())
  await expect(resolve()).rejects.toMatchObject({ code: 'unauthorized' })
  await login(secret)
  await context.renew()
  expect(await resolve()).toBeDefined()
  const before = scopes().length
  await context.renew()
  expect(await resolve()).toBeDefined()
  expect(scopes().length).toBe(before + 1)
})
