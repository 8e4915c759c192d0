import { describe, expect, it } from 'vitest'
import { RepositoryDeletes } from '../../../src/execute/deletes/repository-deletes.ts'
import { TagDeletes } from '../../../src/execute/deletes/tag-deletes.ts'
import type { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import type { TargetRepository } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { RepositoryPlan } from '../../../src/plan/prune/prune-plan.ts'
import { manifestStep } from '../../support/delete-steps.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { repositoryPlan } from '../../support/prune-plans.ts'

const { repository } = manifestStep()

function planOf(count: number): RepositoryPlan {
  const steps = Array.from({ length: count }, (_, i) => {
    const target = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: digestOf(`${i}`), size: 1 }
    return manifestStep({ id: `m${i}`, target, losesTags: [] })
  })
  return repositoryPlan('@dev/api', [], { repository, steps })
}

/** The sizes of the writes, in order, of deletes that `deleteManifest` answers. */
async function writesOf(count: number, deleteManifest: () => Promise<'deleted'>) {
  const graph = { repository, tags: new Map(), nodes: new Map(), missing: new Set() }
  const add = async (): Promise<void> => undefined
  const reading = { graph, addAllTags: add, addTags: add, addDigests: add, addReferrers: add }
  const store = { repository, capability: () => 'yes', deleteManifest } as unknown as TargetRepository
  const writes: (readonly ['intents' | 'outcomes', number])[] = []
  const deletes = new RepositoryDeletes(planOf(count), {
    store,
    reader: { store, begin: () => reading, listTags: async () => [] } as unknown as RepositoryReader,
    clock: manualClock(),
    inventory: undefined,
    usedNow: [],
    deletesAtOnce: 500,
    rescanFirst: () => 'nothing',
    stores: {
      source: () => {
        throw new Error('no other repository is read')
      },
    },
    recordedPuts: undefined,
    comesLast: () => false,
    tagDeletes: new TagDeletes(),
    findPut: undefined,
    settled: new Map(),
    stop: new AbortController().signal,
    recordIntents: async ({ length }) => void writes.push(['intents', length]),
    recordOutcomes: async ({ length }) => void writes.push(['outcomes', length]),
    call: { signal: new AbortController().signal, notify: () => undefined },
  })
  return { writes, outcomes: await deletes.run() }
}

describe('the writes of the records of a repository', () => {
  it('have at most 1000 intents, and wait for the waves that they are for', async () => {
    const { writes } = await writesOf(2200, async () => 'deleted')
    const intents = writes.filter(([phase]) => phase === 'intents')
    expect(intents.map(([, count]) => count)).toEqual([1000, 1000, 200])
    // the first delete goes alone, and the next wave has 500 others
    expect(writes.slice(0, 4)).toEqual([
      ['intents', 1000],
      ['outcomes', 1],
      ['outcomes', 500],
      ['intents', 1000],
    ])
  })

  it('have at most 1000 outcomes if the registry refuses all deletes, and intents only for those that were near', async () => {
    const { writes, outcomes } = await writesOf(2200, () => Promise.reject(new DrayError('forbidden', 'no')))
    expect(writes).toEqual([
      ['intents', 1000],
      ['outcomes', 1000],
      ['outcomes', 1000],
      ['outcomes', 200],
    ])
    expect(outcomes).toHaveLength(2200)
  })
})
