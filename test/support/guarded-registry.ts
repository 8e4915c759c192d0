import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import type { AccessOptions } from '../../src/embedded/access/permissions.ts'
import { type ServerOptions, startRegistry } from '../../src/embedded/server.ts'
import { testUser } from './docker-registry.ts'
import { index } from './images.ts'
import { Oracle } from './oracle.ts'
import { warmWorkplace, type Workplace } from './workplace.ts'

/** The password of `user`. */
export const secret = 'canary-5f2c'
export const user = 'ada'

/** A config with `staging` and `prod` in one registry. */
function guardedConfig(registry: string, more = ''): string {
  return [
    'version: 1',
    'environments:',
    `  staging: { registry: "${registry}", path: "staging/{image}" }`,
    `  prod: { registry: "${registry}", path: "prod/{image}", promoteFrom: [staging] }`,
    more,
  ].join('\n')
}

/** A workplace with a docker login for the registry. */
export async function workplaceWithLogin(registry: string, password: string, more = ''): Promise<Workplace> {
  const place = await warmWorkplace(guardedConfig(registry, more), { DRAY_LOG: 'debug' })
  await mkdir(join(place.folder, '.docker'))
  const auth = Buffer.from(`${password === testUser.password ? testUser.username : user}:${password}`)
  const file = JSON.stringify({ auths: { [registry]: { auth: auth.toString('base64') } } })
  await writeFile(join(place.folder, '.docker', 'config.json'), file)
  return place
}

/** Starts a registry that requires a login, with an index in `staging/api:1.4.2`. */
export async function startGuardedRegistry(
  auth: Omit<AccessOptions, 'users'>,
  options: Omit<ServerOptions, 'auth'> = {},
) {
  const log: AccessEntry[] = []
  const storage = memoryStorage()
  const unguarded = await startRegistry({ storage })
  await new Oracle(unguarded.registry).push(index(['amd64', 'arm64']), 'staging/api', '1.4.2')
  await unguarded.close()
  const registry = await startRegistry({
    ...options,
    storage,
    auth: { ...auth, users: { [user]: secret } },
    onRequest: (entry) => {
      log.push(entry)
      options.onRequest?.(entry)
    },
  })
  onTestFinished(() => registry.close())
  return {
    name: registry.registry,
    /** the scopes of each token request */
    scopes: () =>
      log.filter(({ kind }) => kind === 'token').map(({ query }) => query.getAll('scope').join(' ')),
    refusals: () => log.filter(({ status }) => status === 401).length,
  }
}
