import { describe, expect, it } from 'vitest'
import { RecordedPuts } from '../../../src/audit/query/recorded-puts.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../src/oci/reference.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { record, tagStep } from '../../support/audit-log.ts'
import { type Content, image, index, referrer } from '../../support/images.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf } from '../../support/pruning.ts'

const of = (label: string) => image({ label, layers: 0 })
const plainOf = ({ mediaType, digest, size }: Content['root']): Descriptor => ({
  mediaType,
  digest: parseDigest(digest),
  size,
})

interface Race {
  readonly world: PruneRegistry
  readonly staging: RepositoryName
  /** Reads and decides; the log is followed from before the reading. */
  plan(): Promise<PrunePlan>
  execute(plan: PrunePlan, atOnce?: number): ReturnType<typeof executePrunePlan>
  /** Records a step of a promotion of `content` from `staging/api`, its intent by default. */
  recordTag(content: Content, tag: string, rest?: Partial<AuditRecord>): Promise<void>
  recordCopy(content: Content, rest?: Partial<AuditRecord>): Promise<void>
}

/** @param beforeDelete is called when the registry received the delete of a manifest or tag */
async function startRace(beforeDelete?: (deleted: string) => Promise<void> | void): Promise<Race> {
  const stored = memoryStorage()
  const storage: RegistryStorage = new Proxy(stored, {
    get: (target, name: keyof RegistryStorage) => {
      if (name !== 'deleteManifest' && name !== 'deleteTag') return target[name].bind(target)
      return async (repository: string, at: never) => {
        await beforeDelete?.(at)
        return await target[name](repository, at)
      }
    },
  })
  const world = await startPruneRegistry({ storage })
  const { repository, run } = world
  const staging = { ...repository, path: 'staging/api' }
  const puts = new RecordedPuts(run.auditFile, formatRepository)
  return {
    world,
    staging,
    plan: async () => {
      await puts.begin()
      return await prunePlanOf(run, [repository])
    },
    execute: (plan, deletesAtOnce = 16) =>
      executePrunePlan(run, plan, {
        readAt: Date.now(),
        deletesAtOnce,
        recordedPuts: (one) => puts.in(one),
      }),
    recordTag: async ({ root }, tag, rest = {}) => {
      const step = tagStep(`tag ${tag}`, { repository, tag, target: plainOf(root), from: staging })
      await run.log.write([record({ run: 'other', step, ...rest })])
    },
    recordCopy: async ({ root }, rest = {}) => {
      const { id, placement, after, expect: expected } = tagStep(`copy ${root.digest}`)
      const base = { id, placement, after, expect: expected, kind: 'copy' as const }
      const step = { ...base, root: plainOf(root), from: staging, to: repository, rootBy: 'tag' as const }
      await run.log.write([record({ run: 'other', step, ...rest })])
    },
  }
}

describe('an intent of another run', () => {
  it('keeps the digest that it names, with its children and attached artifacts', async () => {
    const race = await startRace()
    const { world } = race
    const both = index(['arm64', 'amd64'])
    world.put(both, 'pr-1')
    world.put(referrer(both))
    world.put(of('other'), 'pr-2')
    const made = await race.plan()
    await race.recordTag(both, 'stay')
    const done = await race.execute(made)
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 1, conflicts: 4 }])
    expect(done.repositories[0]?.errors[0]?.why).toBe(
      'according to the audit log, the run other (promote by tester) writes the tag stay for it',
    )
    expect(await world.remaining()).toHaveLength(4)
  })

  it('is noticed between two waves of deletes', async () => {
    const race = await startRace()
    const { world } = race
    const last = of('last')
    for (let n = 10; n < 21; n++) world.put(of(`${n}`), `pr-${n}`)
    world.put(last, 'pr-21')
    const made = await race.plan()
    let pending: Promise<void> | undefined
    world.after(isDelete, () => void (pending = race.recordTag(last, 'stay')), 1)
    const done = await race.execute(made, 4)
    await pending
    expect(done.repositories).toMatchObject([{ deleted: 11, conflicts: 1 }])
    expect(await world.registry.oracle.digest('dev/api', 'pr-21')).toBe(last.root.digest)
  })

  it('keeps the children of an index that is not at its destination yet', async () => {
    const race = await startRace()
    const { world } = race
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    world.put(index([arm, amd]), 'pr-1')
    const release = index([amd], { label: 'release' })
    await world.registry.oracle.push(release, 'staging/api', '1.0.0')
    const made = await race.plan()
    await race.recordCopy(release)
    const done = await race.execute(made)
    expect(done.repositories).toMatchObject([{ deleted: 2, conflicts: 1 }])
    expect(await world.remaining()).toEqual([amd.root.digest])
  })

  it('keeps everything if its image is not at its destination and its source cannot be read', async () => {
    const race = await startRace()
    race.world.put(of('a'), 'pr-1')
    const made = await race.plan()
    await race.recordCopy(of('unknown'))
    const done = await race.execute(made)
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 0, conflicts: 1 }])
    expect(done.repositories[0]?.errors[0]?.why).toContain('dray cannot read the content')
    expect(race.world.deletes()).toEqual([])
  })

  it('keeps nothing else, and nothing if the step has failed or had ended before the plan', async () => {
    const race = await startRace()
    const { world } = race
    const [a, b, c] = [of('a'), of('b'), of('c')]
    world.put(a, 'pr-1')
    world.put(b, 'pr-2')
    world.put(c, 'pr-3')
    await race.recordTag(a, 'gone')
    await race.recordTag(a, 'gone', { phase: 'outcome', result: 'done' })
    const made = await race.plan()
    await race.recordTag(b, 'failed')
    await race.recordTag(b, 'failed', { phase: 'outcome', result: 'failed' })
    await race.recordTag(c, 'stay')
    const done = await race.execute(made)
    expect(done.repositories).toMatchObject([{ deleted: 2, conflicts: 1 }])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['pr-3'])
  })

  it.each(['done', 'unchanged'] as const)('keeps its digest when the step is %s too', async (result) => {
    const race = await startRace()
    const wanted = of('wanted')
    race.world.put(wanted, 'pr-1')
    const made = await race.plan()
    await race.recordCopy(wanted)
    await race.recordCopy(wanted, { phase: 'outcome', result })
    const done = await race.execute(made)
    expect(done.repositories).toMatchObject([{ deleted: 0, conflicts: 1 }])
  })

  it('keeps a tag that would be deleted alone', async () => {
    const race = await startRace()
    const { world } = race
    const kept = of('kept')
    world.put(kept, 'prod', 'pr-1', 'pr-2')
    const made = await race.plan()
    await race.recordTag(kept, 'pr-1')
    const done = await race.execute(made)
    expect(done.repositories).toMatchObject([{ untagged: 1, conflicts: 1 }])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['pr-1', 'prod'])
  })
})

describe('after the last delete', () => {
  /** Another run puts a tag on an image when its delete has been sent. */
  async function lostTag(isAtSource: boolean) {
    const wanted = of('wanted')
    const race = await startRace(async (deleted) => {
      if (deleted !== wanted.root.digest) return
      await race.recordTag(wanted, 'stay')
      race.world.put(wanted, 'stay')
      await race.recordTag(wanted, 'stay', { phase: 'outcome', result: 'done' })
    })
    race.world.put(wanted, 'pr-1')
    if (isAtSource) await race.world.registry.oracle.push(wanted, 'staging/api', 'x')
    return { ...race, wanted, done: await race.execute(await race.plan()) }
  }

  it('a tag that another run put on a deleted image is reported, with the command that restores it', async () => {
    const { world, wanted, done } = await lostTag(true)
    expect(await world.registry.oracle.tags('dev/api')).toEqual([])
    const { host } = world.registry
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 1, conflicts: 0, failed: 0 }])
    expect(done.repositories[0]?.errors).toEqual([
      {
        code: 'conflict',
        message: `${host}/dev/api:stay is missing: this run deleted ${wanted.root.digest}`,
        subject: `${host}/dev/api:stay`,
        why: 'according to the audit log, the run other (promote by tester) moved the tag to it during this run',
        hint: `Restore the image: dray promote ${host}/staging/api@${wanted.root.digest} ${host}/dev/api:stay`,
      },
    ])
    expect(done.steps).toMatchObject([{ result: 'done' }])
  })

  it('the report says so if the source has lost the image too', async () => {
    const { done } = await lostTag(false)
    expect(done.repositories[0]?.errors[0]?.hint).toMatch(
      /^Push the image again .* does not exist any more\.$/,
    )
  })

  it('a tag that is put on again after the delete is no loss', async () => {
    const race = await startRace()
    const wanted = of('wanted')
    race.world.put(wanted, 'pr-1')
    const made = await race.plan()
    let pending: Promise<void> | undefined
    race.world.after(isDelete, () => {
      race.world.put(wanted, 'stay')
      pending = race.recordTag(wanted, 'stay')
    })
    const done = await race.execute(made)
    await pending
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 1, errors: [] }])
  })

  it('a new tag whose image lacks a deleted child is reported', async () => {
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    const release = index([amd], { label: 'release' })
    const race = await startRace((deleted) => {
      if (deleted === amd.root.digest) race.world.put({ ...release, manifests: release.manifests }, 'v1')
    })
    race.world.put(index([arm, amd]), 'pr-1')
    const done = await race.execute(await race.plan())
    expect(done.repositories).toMatchObject([{ status: 'conflict', deleted: 3 }])
    expect(done.repositories[0]?.errors[0]?.message).toMatch(/dev\/api:v1 \(sha256:\w+\) lacks sha256:/)
  })

  it('an image that another run has not tagged yet and that lacks a deleted child is reported', async () => {
    const [arm, amd] = [image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    const release = index([amd], { label: 'release' })
    const race = await startRace(async (deleted) => {
      // The other run checks that the child is there, and the delete comes after the check.
      if (deleted === amd.root.digest) await race.recordTag(release, 'v1')
    })
    race.world.put(index([arm, amd]), 'pr-1')
    await race.world.registry.oracle.push(release, 'staging/api', 'v1')
    const done = await race.execute(await race.plan())
    const { host } = race.world.registry
    expect(done.repositories[0]?.errors).toMatchObject([
      {
        message: `${host}/dev/api:v1 (${release.root.digest}) lacks ${amd.root.digest}, which this run deleted`,
        hint: `Restore the image: dray promote ${host}/staging/api@${release.root.digest} ${host}/dev/api:v1`,
      },
    ])
  })

  it('a kept tag that is gone is a warning', async () => {
    const unwanted = of('unwanted')
    const race = await startRace(async (deleted) => {
      if (deleted === unwanted.root.digest) race.world.put(unwanted, 'prod')
    })
    const { world } = race
    world.put(unwanted, 'pr-1')
    world.put(of('kept'), 'prod')
    const done = await race.execute(await race.plan())
    expect(done.repositories).toMatchObject([{ status: 'pruned', deleted: 1 }])
    const warnings = world.run.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    expect(warnings).toEqual([expect.stringMatching(/dev\/api: kept tags are missing.*: prod\./)])
  })
})
