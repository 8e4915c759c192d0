import { describe, expect, it } from 'vitest'
import { DeleteApis } from '../../../src/execute/deletes/apis/delete-apis.ts'
import { deleteManifest, type DeletePorts, deleteTag } from '../../../src/execute/deletes/delete-content.ts'
import type { Known, TargetRepository } from '../../../src/images/ports.ts'
import type { Call } from '../../../src/lib/call.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { BeforeAttempt } from '../../../src/lib/freshness.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'

const other = digestOf('other')
/** The OCI API of a store. */
const ociApi = ({ store, clock, call }: DeletePorts) =>
  new DeleteApis({
    store,
    clock,
    inventory: undefined,
    listed: () => Promise.reject(new Error('there is no inventory')),
    call,
  }).openWave('deleteManifest', 1)()
const notLive = (ports: DeletePorts) => ({
  api: ociApi(ports),
  untagged: new Set<string>(),
  findLive: async () => undefined,
})
const alone = (ports: DeletePorts) => ({ api: ociApi(ports), findLastTag: async () => undefined })

interface Situation {
  /** milliseconds that the registry makes the first delete wait */
  readonly waitMs?: number
  /** happens while the first delete waits */
  readonly meanwhile?: (tags: Map<string, string>) => void
  /** whether the registry deletes a manifest that has tags */
  readonly deleteTagged?: Known
}

/** A repository in memory with one manifest under `pr-1` and `pr-1-again`. */
function place({ waitMs = 0, meanwhile = () => undefined, deleteTagged = 'yes' }: Situation = {}) {
  const [clock, stop] = [manualClock(), new AbortController()]
  const tags = new Map<string, string>([
    ['pr-1', deletedDigest],
    ['pr-1-again', deletedDigest],
  ])
  const deletes: string[] = []
  let learned: Known = deleteTagged === 'no' ? 'unknown' : deleteTagged
  let waits = true
  const wait = async (beforeAttempt: BeforeAttempt | undefined): Promise<void> => {
    await beforeAttempt?.()
    if (!waits) return
    waits = false
    await clock.advance(waitMs)
    meanwhile(tags)
    await beforeAttempt?.()
  }
  const store = {
    repository: manifestStep().repository,
    capability: () => learned,
    resolve: async ({ tag = '' }) => {
      const digest = tags.get(tag)
      return digest === undefined ? undefined : { digest }
    },
    deleteManifest: async (digest: string, _: Call, beforeAttempt?: BeforeAttempt) => {
      if (deleteTagged === 'no' && [...tags.values()].includes(digest)) {
        learned = 'no'
        throw new DrayError('refused', 'tags point at it')
      }
      await wait(beforeAttempt)
      deletes.push('manifest')
      for (const [tag, at] of tags) if (at === digest) tags.delete(tag)
      return 'deleted'
    },
    deleteTag: async (tag: string, _: Call, beforeAttempt?: BeforeAttempt) => {
      await wait(beforeAttempt)
      deletes.push(tag)
      return tags.delete(tag) ? 'deleted' : 'absent'
    },
  } as unknown as TargetRepository
  const ports: DeletePorts = { store, clock, stop: stop.signal, call: notedCall() }
  const own = { at: clock.now(), tags: new Map([...tags.keys()].map((tag) => [tag, deletedDigest])) }
  return { ports, own, tags, deletes, stop }
}

describe('deleting a manifest', () => {
  it('sends one delete for the manifest and its tags', async () => {
    const { ports, own, deletes } = place()
    expect(await deleteManifest(manifestStep(), own, ports, notLive(ports))).toBe('done')
    expect(deletes).toEqual(['manifest'])
  })

  it('deletes the tags before the manifest if the registry requires that', async () => {
    const { ports, own, deletes } = place({ deleteTagged: 'no' })
    expect(await deleteManifest(manifestStep(), own, ports, notLive(ports))).toBe('done')
    expect(deletes).toEqual(['pr-1', 'pr-1-again', 'manifest'])
  })

  it('relies on a check of its tags for two seconds', async () => {
    const meanwhile = (tags: Map<string, string>): void => void tags.set('pr-1', other)
    const { ports, own } = place({ waitMs: 2_000, meanwhile })
    expect(await deleteManifest(manifestStep(), own, ports, notLive(ports))).toBe('done')
  })

  it('deletes nothing if a tag was moved while the registry made it wait longer', async () => {
    const meanwhile = (tags: Map<string, string>): void => void tags.set('pr-1', other)
    const { ports, own, deletes } = place({ waitMs: 2_001, meanwhile })
    expect(await deleteManifest(manifestStep(), own, ports, notLive(ports))).toEqual({
      tag: 'pr-1',
      to: other,
    })
    expect(deletes).toEqual([])
  })

  it('keeps a manifest if a tag that was deleted first is put there again', async () => {
    const { ports, own, tags, deletes } = place({ deleteTagged: 'no' })
    const { store } = ports
    const again = {
      ...store,
      deleteTag: async (tag: string, call: Call, beforeAttempt?: BeforeAttempt) => {
        const result = await store.deleteTag(tag, call, beforeAttempt)
        if (tag !== 'pr-1-again') return result
        await (ports.clock as ReturnType<typeof manualClock>).advance(3_000)
        tags.set('pr-1', deletedDigest)
        return result
      },
      deleteManifest: async (digest: typeof other, call: Call, beforeAttempt?: BeforeAttempt) => {
        if (deletes.length > 0) await beforeAttempt?.()
        return await store.deleteManifest(digest, call)
      },
    }
    const deleted = await deleteManifest(
      manifestStep(),
      own,
      { ...ports, store: again },
      notLive({ ...ports, store: again }),
    )
    expect(deleted).toEqual({ tag: 'pr-1', to: deletedDigest })
    expect(deletes).toEqual(['pr-1', 'pr-1-again'])
  })

  it('sends nothing after a stop', async () => {
    const { ports, own, deletes, stop } = place()
    stop.abort()
    expect(await deleteManifest(manifestStep(), own, ports, notLive(ports))).toBe('stopped')
    expect(deletes).toEqual([])
  })
})

describe('deleting a tag alone', () => {
  it('checks it, and deletes it', async () => {
    const { ports, deletes } = place()
    expect(await deleteTag(untagStep(), ports, alone(ports))).toBe('done')
    expect(deletes).toEqual(['pr-1'])
  })

  it.each([
    ['is gone', undefined, 'unchanged'],
    ['points at another manifest', other, { tag: 'pr-1', to: other }],
  ] as const)('sends nothing if it %s', async (_, at, expected) => {
    const { ports, tags, deletes } = place()
    if (at === undefined) tags.delete('pr-1')
    else tags.set('pr-1', at)
    expect(await deleteTag(untagStep(), ports, alone(ports))).toEqual(expected)
    expect(deletes).toEqual([])
  })

  it('deletes nothing if it was moved while the registry made it wait', async () => {
    const meanwhile = (tags: Map<string, string>): void => void tags.set('pr-1', other)
    const { ports, deletes } = place({ waitMs: 2_001, meanwhile })
    expect(await deleteTag(untagStep(), ports, alone(ports))).toEqual({ tag: 'pr-1', to: other })
    expect(deletes).toEqual([])
  })
})
