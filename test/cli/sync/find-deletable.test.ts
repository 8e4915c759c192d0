import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findDeletable } from '../../../src/cli/sync/deletes/find-deletable.ts'
import type { SourceRepository } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { TagOrDigest } from '../../../src/oci/reference.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { selectTags } from '../../../src/usecases/sync/select.ts'
import type { TimedImage } from '../../../src/usecases/sync/selection.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { globs, syncRequest, syncRule } from '../../support/syncing.ts'

const from = { registry: 'hub.example.com', path: 'app' }
const to = { registry: 'mirror.example.com', path: 'hub/app' }
const call = { signal: new AbortController().signal, notify: () => undefined }
const names = Array.from({ length: 8 }, (_, i) => `t${i}`)

/** A source that answers HEAD of a tag. */
function sourceWith(resolve: (tag: string) => boolean): SourceRepository {
  const port: Pick<SourceRepository, 'repository' | 'resolve'> = {
    repository: from,
    resolve: async (at: TagOrDigest) => {
      await Promise.resolve()
      const tag = 'tag' in at ? at.tag : ''
      return resolve(tag) ? { mediaType: 'x', digest: digestOf(tag), size: 1 } : undefined
    },
  }
  return port as SourceRepository
}

/** A run whose list of the source may lack tags that the source has. */
interface Run {
  readonly source: readonly string[]
  readonly listed: readonly string[]
  readonly isListFailing: boolean
  /** tags of which a HEAD fails */
  readonly failing: readonly string[]
  readonly destination: readonly string[]
  readonly times: readonly (number | 'undated')[]
  readonly newest: number
  readonly maxPercent: number | undefined
  readonly before: number | undefined
}

function imagesOf({ source, times }: Run): ReadonlyMap<string, TimedImage> {
  return new Map(
    source.map((tag) => [tag, { digest: digestOf(tag), time: times[names.indexOf(tag)] ?? 'undated' }]),
  )
}

/** The tags that a run may delete. */
async function deletedBy(run: Run): Promise<readonly string[]> {
  const { source, listed, isListFailing, failing, destination, newest, maxPercent, before } = run
  const rule = syncRule({
    include: [{ tags: globs('t*'), newest }],
    delete: { exclusive: true, gracePeriod: 0, ...(maxPercent !== undefined && { maxPercent }) },
  })
  const images = imagesOf(run)
  const { tags } = selectTags(rule, plainReading, listed, images)
  const selected = new Set(tags.map(({ tag }) => tag))
  const state = { ...emptyState, ...(before !== undefined && { sourceTags: before }) }
  const request = syncRequest({ from, to: [to], states: [state] })
  const [target] = request.destinations
  if (target === undefined) throw new TypeError('no destination')
  const extra = destination.filter((tag) => !selected.has(tag))
  const error = { code: 'unavailable', message: 'the list failed' } as const
  const { deletable } = await findDeletable(
    [
      {
        rule,
        source: request.source,
        target,
        drift: {
          rule: rule.name,
          from,
          to,
          selected: selected.size,
          tags: extra.map((tag) => ({ tag, state: 'extra', source: null, destination: digestOf(tag) })),
          ...(isListFailing && { error }),
        },
        state,
        selected,
        sourceTags: listed,
      },
    ],
    {
      source: () =>
        sourceWith((tag) => {
          if (failing.includes(tag)) throw new DrayError('unavailable', 'the registry is down')
          return source.includes(tag)
        }),
      now: 1,
    },
    call,
  )
  return deletable.flatMap((one) => one.tags)
}

const run: fc.Arbitrary<Run> = fc
  .record({
    source: fc.subarray(names),
    destination: fc.subarray(names),
    lost: fc.subarray(names),
    isListFailing: fc.boolean(),
    failing: fc.subarray(names, { maxLength: 2 }),
    times: fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant('undated' as const)), {
      minLength: 8,
      maxLength: 8,
    }),
    newest: fc.integer({ min: 1, max: 8 }),
    maxPercent: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    before: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
  })
  .map(({ lost, ...one }) => ({ ...one, listed: one.source.filter((tag) => !lost.includes(tag)) }))

const sound: Run = {
  source: ['t0', 't1'],
  listed: ['t0', 't1'],
  isListFailing: false,
  failing: [],
  destination: ['t0', 't1', 't2', 't3'],
  times: names.map(() => 1),
  newest: 8,
  maxPercent: undefined,
  before: undefined,
}

describe('the tags that a sync may delete', () => {
  it('are those that the source does not have', async () => {
    expect(await deletedBy(sound)).toEqual(['t2', 't3'])
  })

  it('are none if the list lacks a tag that the source has', async () => {
    expect(await deletedBy({ ...sound, listed: ['t0'] })).toEqual([])
  })

  it('are none if the source does not answer for one of them', async () => {
    expect(await deletedBy({ ...sound, failing: ['t3'] })).toEqual([])
  })

  it('are never a selected tag that the source has, whatever part of its list is missing or fails', async () => {
    await fc.assert(
      fc.asyncProperty(run, async (one) => {
        const deleted = await deletedBy(one)
        const rule = syncRule({ include: [{ tags: globs('t*'), newest: one.newest }] })
        const { tags } = selectTags(rule, plainReading, one.source, imagesOf(one))
        const isUnknown = one.isListFailing || one.listed.length === 0
        const kept = new Set(isUnknown ? names : tags.map(({ tag }) => tag))
        expect(deleted.filter((tag) => kept.has(tag))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
