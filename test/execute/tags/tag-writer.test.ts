import { describe, expect, it } from 'vitest'
import { TagChecks } from '../../../src/execute/tags/tag-checks.ts'
import { TagWriter, type TagWrite } from '../../../src/execute/tags/tag-writer.ts'
import { Copier } from '../../../src/images/copy.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tagLocksIn } from '../../support/tag-locks.ts'
import { Retry, type TagStores, tagStores, wanted } from '../../support/tag-stores.ts'
import { tempFolder } from '../../support/temp.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }
const [old, theirs] = [digestOf('old'), digestOf('theirs')]
const stop = new AbortController().signal
const transferred = { mounted: 1, uploaded: 0, present: 0, bytes: 0 }
const tag: TagWrite = {
  repository,
  tag: 'stable',
  target: wanted,
  from: { ...repository, path: 'staging/api' },
  expect: [{ kind: 'tag', repository, tag: 'stable', digest: old }],
}

/** A writer of tags, and the parts of its run. */
async function tagWriter(world: TagStores = tagStores({ stable: old })) {
  const [clock, call] = [manualClock(), notedCall()]
  const checks = new TagChecks(world.stores, clock)
  const locks = tagLocksIn(await tempFolder())
  const writer = new TagWriter({ stores: world.stores, copier: new Copier(), checks, clock, locks })
  return { world, clock, call, writer }
}

/** Writes the tag after a check; each part may take time, and something may happen in it. */
async function written(
  delays: {
    readonly intent?: number
    readonly content?: number
    readonly put?: readonly number[]
    /** what the failed attempts store in place of the manifest */
    readonly stored?: Digest
  },
  during: (world: TagStores) => void = () => undefined,
) {
  const { world, clock, call, writer } = await tagWriter()
  const failedAttempts = [...(delays.put ?? [])]
  world.onRequest = async (request) => {
    if (!request.startsWith('PUT') || failedAttempts.length === 0) return
    await clock.advance(failedAttempts.shift() ?? 0)
    during(world)
    throw new Retry(delays.stored)
  }
  const first = await writer.check(tag, call)
  const result = await writer.write(
    tag,
    first,
    {
      stop,
      recordIntent: async () => {
        world.requests.push('intent')
        if (delays.intent === undefined) return
        await clock.advance(delays.intent)
        during(world)
      },
      ...(delays.content !== undefined && {
        copyContent: async () => {
          world.requests.push('content')
          await clock.advance(delays.content ?? 0)
          during(world)
          return transferred
        },
      }),
    },
    call,
  )
  return { world, result, writer, clock, call }
}

const theyMoveIt = ({ tags }: TagStores): void => void tags.set('stable', theirs)

describe('writing a tag', () => {
  it('records the intent, relies on a check of the last two seconds, and puts at once', async () => {
    const { world, result } = await written({ intent: 2_000 })
    expect(world.requests).toEqual(['HEAD stable', 'intent', 'PUT stable'])
    expect(result).toMatchObject({ result: 'done', before: old })
  })

  it('checks again between the intent and the PUT if the first check is too old', async () => {
    const { world } = await written({ intent: 2_001 })
    expect(world.requests).toEqual(['HEAD stable', 'intent', 'HEAD stable', 'PUT stable'])
  })

  it('repeats a check once if the check takes longer than two seconds', async () => {
    const { world, clock, call, writer } = await tagWriter()
    world.onRequest = (request) => (request === 'HEAD stable' ? clock.advance(3_000) : undefined)
    const first = await writer.check(tag, call)
    await writer.write(tag, first, { recordIntent: async () => undefined, stop }, call)
    expect(world.requests).toEqual(['HEAD stable', 'HEAD stable', 'PUT stable'])
  })

  it('copies content after the intent and before the last check', async () => {
    const { world, result } = await written({ content: 6_000 })
    expect(world.requests).toEqual(['HEAD stable', 'intent', 'content', 'HEAD stable', 'PUT stable'])
    expect(result).toMatchObject({ result: 'done', transferred })
  })

  it.each([
    ['the intent is written', { intent: 2_001 }],
    ['content is copied', { content: 6_000 }],
  ])('puts nothing if someone moves the tag while %s', async (_, delays) => {
    const { world, result } = await written(delays, theyMoveIt)
    expect(world.requests).not.toContain('PUT stable')
    expect(result).toMatchObject({ result: 'failed', before: theirs, error: { code: 'conflict' } })
  })

  it('puts nothing if someone else writes the same digest in the meantime', async () => {
    const { world, result } = await written({ intent: 2_001 }, ({ tags }) =>
      tags.set('stable', wanted.digest),
    )
    expect(world.requests).not.toContain('PUT stable')
    expect(result).toMatchObject({ result: 'unchanged', before: wanted.digest })
  })

  it('changes nothing if the intent cannot be recorded', async () => {
    const { world, call, writer } = await tagWriter()
    const first = await writer.check(tag, call)
    const recordIntent = () => Promise.reject(new DrayError('audit', 'no room'))
    await expect(writer.write(tag, first, { recordIntent, stop }, call)).rejects.toMatchObject({
      code: 'audit',
    })
    expect(world.requests).toEqual(['HEAD stable'])
  })
})

describe('a retry of the PUT', () => {
  it('is checked, however soon it comes', async () => {
    const { world, result } = await written({ put: [0, 5_000] })
    expect(world.requests.slice(2)).toEqual([
      'PUT stable',
      'HEAD stable',
      'PUT stable',
      'HEAD stable',
      'PUT stable',
    ])
    expect(result).toMatchObject({ result: 'done', before: old })
  })

  it.each([
    ['in a short backoff', 0],
    ['in a long wait', 5_000],
  ])('is not sent if someone moved the tag %s, and the result has that digest', async (_, ms) => {
    const { world, result } = await written({ put: [ms] }, theyMoveIt)
    expect(world.requests.filter((request) => request === 'PUT stable')).toHaveLength(1)
    expect(result).toMatchObject({ result: 'failed', before: theirs, error: { code: 'conflict' } })
    expect(world.tags.get('stable')).toBe(theirs)
  })

  it('repairs a tag that points at what an earlier attempt stored by mistake', async () => {
    const { world, result } = await written({ put: [5_000], stored: digestOf('damaged') })
    expect(world.tags.get('stable')).toBe(wanted.digest)
    expect(result).toMatchObject({ result: 'done', before: old })
  })

  it('keeps the old digest in its result if an earlier attempt wrote the tag', async () => {
    const { result } = await written({ put: [5_000] }, ({ tags }) => tags.set('stable', wanted.digest))
    expect(result).toMatchObject({ result: 'done', before: old })
  })
})
