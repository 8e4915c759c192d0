import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import type { RegistryStorage } from '../../src/embedded/storage/storage.ts'
import { image, index } from '../support/images.ts'
import type { Ended } from '../support/program.ts'
import { type Workplace, workplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const annotations = { 'org.opencontainers.image.created': '2024-01-01T00:00:00Z' }

interface Race {
  readonly project: Workplace
  readonly oracle: Awaited<ReturnType<typeof watchedRegistry>>['oracle']
}

/** A prune of `prod/api` while `during` runs, when the registry received the first delete. */
async function startRace(during: (project: Workplace) => Promise<void>): Promise<Race> {
  const base = memoryStorage()
  let isFirst = true
  const storage: RegistryStorage = new Proxy(base, {
    get: (target, name: keyof RegistryStorage) => {
      if (name !== 'deleteManifest') return target[name].bind(target)
      return async (...args: Parameters<RegistryStorage['deleteManifest']>) => {
        if (isFirst) {
          isFirst = false
          await during(project)
        }
        return await target.deleteManifest(...args)
      }
    },
  })
  const registry = await watchedRegistry({ storage })
  const at = (path: string) => ({ registry: registry.host, path: `${path}/{image}` })
  const project = await workplace(
    JSON.stringify({
      version: 1,
      environments: { dev: at('dev'), prod: at('prod') },
      images: { api: {} },
      retention: {
        rules: [{ name: 'old', repositories: ['@prod/*'], tags: ['pr-*'], olderThan: '14d' }],
      },
    }),
  )
  return { project, oracle: registry.oracle }
}

const promote = ['promote', 'api:stay', '--from', 'dev', '--to', 'prod', '--yes'] as const
const prune = ['prune', '--apply', '--yes'] as const

/** The command that an error suggests, without `dray`. */
function suggestedCommand(text: string): readonly string[] {
  const [, command = ''] = /Restore the image: dray (.+)/.exec(text) ?? []
  return command.split(' ')
}

describe('a promotion while a prune deletes the same image', () => {
  it.each([
    ['an image', image({ label: 'wanted', annotations })],
    ['a multi-platform image', index(['linux/amd64', 'linux/arm64'], { label: 'wanted', annotations })],
  ])(
    'that tags %s just before its delete is reported with exit 4, and the command restores it',
    async (_, wanted) => {
      let promoted: Ended | undefined
      const { project, oracle } = await startRace(
        async (place) => void (promoted = await place.run(...promote)),
      )
      await oracle.push(wanted, 'prod/api', 'pr-3')
      await oracle.push(wanted, 'dev/api', 'stay')
      const ended = await project.run(...prune)
      expect(promoted).toMatchObject({ code: 0 })
      expect(ended).toMatchObject({ code: 4 })
      expect(ended.stdout).toMatch(/prod\/api:stay is missing: this run deleted/)
      const restored = await project.run(...suggestedCommand(ended.stdout), '--yes')
      expect(restored).toMatchObject({ code: 0 })
      expect(await oracle.digest('prod/api', 'stay')).toBe(wanted.root.digest)
      expect(await oracle.complaints('prod/api', 'stay')).toEqual([])
      expect(await project.run('audit', 'verify')).toMatchObject({ code: 0 })
    },
  )

  it('that ended before the delete keeps the image: the audit log says so', async () => {
    const wanted = image({ label: 'wanted', annotations })
    // The first delete is of another image.
    const { project, oracle } = await startRace(async (place) => void (await place.run(...promote)))
    await oracle.push(image({ label: 'other', annotations }), 'prod/api', 'pr-1')
    await oracle.push(wanted, 'prod/api', 'pr-3')
    await oracle.push(wanted, 'dev/api', 'stay')
    const ended = await project.run(...prune)
    expect(ended).toMatchObject({ code: 4 })
    expect(await oracle.complaints('prod/api', 'stay')).toEqual([])
    expect(await oracle.digest('prod/api', 'pr-1')).toBeUndefined()
  })

  it('is noticed by a saved plan too', async () => {
    const wanted = image({ label: 'wanted', annotations })
    const { project, oracle } = await startRace(async (place) => void (await place.run(...promote)))
    await oracle.push(wanted, 'prod/api', 'pr-3')
    await oracle.push(wanted, 'dev/api', 'stay')
    const plan = join(project.folder, 'plan.json')
    expect(await project.run('prune', '--out', plan)).toMatchObject({ code: 0 })
    expect(JSON.parse(await readFile(plan, 'utf8'))).toMatchObject({ operation: 'prune' })
    const ended = await project.run('apply', plan, '--yes')
    expect(ended).toMatchObject({ code: 4 })
    expect(ended.stdout).toMatch(/Restore the image: dray promote /)
  })
})
