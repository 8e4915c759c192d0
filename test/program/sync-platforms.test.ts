import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { image, index } from '../support/images.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const relaxed = { abilities: { sparseIndexes: 'accepted' } } as const
const api = index(['amd64', 'arm64'])
const [, arm64 = ''] = api.manifests.map(({ descriptor }) => descriptor.digest)

/** A workplace with a rule from `up/api` to `mirror/api`. */
async function mirror({ host }: WatchedRegistry, rule: object): Promise<Workplace> {
  const sync = [
    { name: 'hub', from: `${host}/up`, repositories: ['api'], to: `${host}/mirror/{repository}`, ...rule },
  ]
  return await warmWorkplace(JSON.stringify({ version: 1, sync }))
}

/** Removes `platforms` from the rule. */
async function selectAll({ folder }: Workplace): Promise<void> {
  const config = join(folder, 'dray.yaml')
  const { version, sync } = JSON.parse(await readFile(config, 'utf8')) as {
    readonly version: number
    readonly sync: readonly { readonly platforms?: unknown }[]
  }
  const rules = sync.map(({ platforms: _platforms, ...rule }) => rule)
  await writeFile(config, JSON.stringify({ version, sync: rules }))
}

it.each([
  ['a run', [['sync', '--yes']]],
  [
    'a saved plan',
    [
      ['sync', '--out', 'plan.json'],
      ['apply', 'plan.json', '--yes'],
    ],
  ],
] as const)('a later sync of all platforms completes the sparse index of %s', async (_, commands) => {
  await using registry = await watchedRegistry(relaxed)
  await registry.oracle.push(api, 'up/api', '1')
  const place = await mirror(registry, { platforms: ['linux/amd64'] })
  for (const command of commands) expect(await place.run(...command)).toMatchObject({ code: 0 })
  expect(await registry.oracle.digest('mirror/api', '1')).toBe(api.root.digest)
  expect(await registry.oracle.manifest('mirror/api', arm64)).toBeUndefined()
  await selectAll(place)
  expect((await place.run('sync', '--dry-run', '--detailed-exitcode')).code).toBe(2)
  expect((await place.run('sync', '--yes')).code).toBe(0)
  expect(await registry.oracle.complaints('mirror/api', '1')).toEqual([])
  registry.forget()
  expect((await place.run('sync', '--yes')).stdout).toContain('In sync')
  expect(registry.requests.filter(({ path }) => path.includes(arm64))).toEqual([])
})

it('a saved plan has the tags of variants that its rule selects', async () => {
  await using registry = await watchedRegistry()
  await registry.oracle.push(image(), 'up/api', '20.11.1-alpine3.20', '20.12.0-slim')
  const place = await mirror(registry, {
    include: [{ semver: { range: '>=20', variant: 'alpine3.*' } }],
  })
  expect((await place.run('sync', '--out', 'plan.json')).code).toBe(0)
  expect(await place.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
  expect(await registry.oracle.tags('mirror/api')).toEqual(['20.11.1-alpine3.20'])
})
