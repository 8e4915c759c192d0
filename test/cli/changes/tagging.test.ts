import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { planRollback, planTagging, type TaggingFlags } from '../../../src/cli/changes/tagging.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import { tempFolder } from '../../support/temp.ts'
import { world, type WorldBuilder } from '../../support/world.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }
const flags: TaggingFlags = { yes: false, 'dry-run': true, 'move-tag': false, partial: false }

async function place(content: WorldBuilder) {
  const registries = await content.start()
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), registries.config)
  const context = new Context({ configFile: undefined, env: { HOME: folder }, cwd: folder, version: '0' })
  onTestFinished(() => context.close())
  return { context, registries }
}

/** The warnings of `dray tag IMAGE --next minor`. */
async function warningsOfNext(reference: string, context: Context): Promise<readonly string[]> {
  const policy = { levels: undefined, channels: undefined, allowBackward: false }
  const args = {
    references: [reference],
    env: 'staging',
    tags: [],
    next: 'minor',
    fromLabel: false,
    policy,
  } as const
  const { review } = await planTagging(args, flags, context, call)
  return (await review()).warnings
}

it('tag --next warns that an image with a version gets no other one', async () => {
  const { context, registries } = await place(world().image('api:1.4.2'))
  const { oracle } = registries.staging
  await oracle.push(registries.content('api:1.4.2'), 'staging/api', 'build-77')
  expect(await warningsOfNext('api:build-77', context)).toEqual([
    'api:build-77 already has the version 1.4.2, and --next minor does not add another one. To add a version, run: dray tag IMAGE VERSION',
  ])
})

it('tag --next warns of nothing if the image gets a version', async () => {
  const { context } = await place(world().image('api:1.4.2').image('api:build-77'))
  expect(await warningsOfNext('api:build-77', context)).toEqual([])
})

it('rollback of an image that is not in the environment names the repository', async () => {
  const { context, registries } = await place(world().image('api:1.4.2'))
  const args = { image: 'apii', env: 'prod', to: undefined }
  await expect(planRollback(args, flags, context, call)).rejects.toMatchObject({
    code: 'not-found',
    message: 'cannot find apii in prod',
    why: `the registry reports no repository ${registries.staging.host}/prod/apii`,
  })
})

it('a plan warns once for each repository about version-like tags', async () => {
  const { context, registries } = await place(world().image('api:build-77').image('api:build-78'))
  const { oracle, host } = registries.staging
  for (const tag of ['1.0.0', '2024.10.15', '1.0.0_amd64'])
    await oracle.push(registries.content('api:build-77'), 'staging/api', tag)
  const policy = { levels: undefined, channels: undefined, allowBackward: false }
  const args = { env: 'staging', tags: [], next: undefined, fromLabel: false, policy } as const
  const references = ['api:build-77', 'api:build-78', '1.1.1-rc9']
  const { review } = await planTagging({ ...args, references }, flags, context, call)
  const warnings = (await review()).warnings.filter((text) => text.includes('version-like'))
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain(`${host}/staging/api: the scheme semver does not read 2 version-like tags`)
})

it('a plan warns about the order of the version that it writes', async () => {
  const { context, registries } = await place(world().image('api:build-77'))
  await registries.staging.oracle.push(registries.content('api:build-77'), 'staging/api', '1.1.1-rc9')
  const policy = { levels: undefined, channels: undefined, allowBackward: false }
  const args = { env: 'staging', tags: [], next: undefined, fromLabel: false, policy } as const
  const references = ['api:build-77', '1.1.1-rc10']
  const { review } = await planTagging({ ...args, references }, flags, context, call)
  expect((await review()).warnings).toEqual([expect.stringContaining('/staging/api: rc10 is below rc9')])
})
