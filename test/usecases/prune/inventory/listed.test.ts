import { describe, expect, it } from 'vitest'
import { renderExplanation } from '../../../../src/render/prune/explanation.ts'
import { plainStyle } from '../../../../src/render/text/style.ts'
import { cosignSignature, image, index } from '../../../support/images.ts'
import { globs, protection, rule } from '../../../support/repository-graphs.ts'
import {
  dayMs,
  type ListedPlan,
  listedWorld,
  memoryContents,
  now,
} from '../../../support/retention/listed-world.ts'

const oldTags = rule('old', { tags: globs('pr-*'), days: 14 })
const untagged = rule('untagged', { kind: 'untagged', days: 14 })

describe('a repository that an inventory lists', () => {
  it('costs no request of the OCI API if nothing is to be deleted (case 37)', async () => {
    const world = await listedWorld()
    for (let i = 0; i < 20; i++) world.put(image({ label: `${i}` }), { tags: [`pr-${i}`], pushed: 1.5 })
    const { deleted, decision } = await world.plan([oldTags])
    expect(deleted).toEqual([])
    expect(world.counts()).toEqual({})
    expect(decision.plan.tags).toHaveLength(20)
    expect(decision.plan.inventory).toBe('harbor')
  })

  it('costs the reads of indexes and of what is marked, and none of other images', async () => {
    const world = await listedWorld()
    for (let i = 0; i < 20; i++) world.put(image({ label: `${i}` }), { tags: [`v${i}`] })
    world.put(index(['linux/amd64', 'linux/arm64'], { label: 'live' }), { tags: ['live'] })
    world.put(image({ label: 'pr' }), { tags: ['pr-1'] })
    expect((await world.plan([oldTags])).deleted).toEqual(['pr-1'])
    // The index and the marked image; the tag of that image; its referrers.
    expect(world.counts()).toEqual({
      'GET manifest': 2,
      'GET tags': 1,
      'HEAD manifest': 1,
      'GET referrers': 1,
    })
  })

  it('costs one GET for each image whose age depends on its content, and none again with a cache', async () => {
    const world = await listedWorld()
    const annotations = { 'org.opencontainers.image.created': '2026-05-31T00:00:00Z' }
    for (let i = 0; i < 5; i++) world.put(image({ label: `${i}`, annotations }), { tags: [`pr-${i}`] })
    world.put(image({ label: 'kept' }), { tags: ['kept'] })
    const contents = memoryContents()
    expect((await world.plan([oldTags], { timeFrom: ['annotation'], contents })).deleted).toEqual([])
    expect(world.counts()).toEqual({ 'GET manifest': 5 })
    await world.plan([oldTags], { timeFrom: ['annotation'], contents })
    expect(world.counts()).toEqual({})
  })

  it('reads every manifest if the vendor gives no media types, because each may be an index', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    world.put(child, { tags: ['pr-1'] })
    world.put(index([child], { label: 'live' }), { tags: ['live'] })
    for (const digest of world.facts.keys()) world.facts.set(digest, { pushedAt: now - 100 * dayMs })
    // A live index needs the child: only the tag goes.
    expect((await world.plan([oldTags])).deleted).toEqual([':pr-1'])
  })

  it('keeps a tag that no earlier read of the OCI API confirms, on both digests (case 36)', async () => {
    const world = await listedWorld()
    world.put(image({ label: 'a' }), { tags: ['pr-1'] })
    world.put(image({ label: 'b' }), { tags: ['pr-2'] })
    const { deleted, warnings, explain } = await world.plan([oldTags, untagged], {
      between: () => void world.put(image({ label: 'new' }), { tags: ['pr-1'], name: 'new' }),
    })
    expect(deleted).toEqual(['pr-2'])
    expect(explain('pr-1').why).toMatchObject({ kind: 'disputed', by: 'The Vendor' })
    expect(warnings.join('\n')).toContain(
      'the inventory of The Vendor has other digests than the OCI API for pr-1. dray keeps both images of each.',
    )
  })

  it('keeps the image of a tag that only one of both APIs lists (case 36)', async () => {
    const world = await listedWorld()
    const gone = image({ label: 'gone' })
    world.put(gone, { tags: ['pr-gone'] })
    world.put(image({ label: 'b' }), { tags: ['pr-2'] })
    const { deleted, warnings } = await world.plan([oldTags, untagged], {
      between: async () => {
        await world.storage.deleteTag('dev/api', 'pr-gone')
        world.put(image({ label: 'later' }), { tags: ['pr-3'] })
      },
    })
    expect(deleted).toEqual(['pr-2'])
    expect(warnings.join('\n')).toMatch(
      /lacks pr-3\. .*\n.* has tags that the OCI API does not list: pr-gone\./,
    )
  })

  it('does not report the tags of attached artifacts, which Harbor does not list', async () => {
    const world = await listedWorld()
    const [live, old] = [image({ label: 'live' }), image({ label: 'old' })]
    world.put(live, { tags: ['live'] })
    world.put(old, { tags: ['pr-1'] })
    for (const subject of [live, old]) world.put(cosignSignature(subject))
    const { deleted, warnings } = await world.plan([oldTags, untagged], {
      change: (snapshot) => ({
        ...snapshot,
        tags: new Map([...snapshot.tags].filter(([tag]) => !tag.startsWith('sha256-'))),
        entries: new Map(
          [...snapshot.entries].map(([digest, entry]) => [
            digest,
            { ...entry, tags: entry.tags.filter(({ name }) => !name.startsWith('sha256-')) },
          ]),
        ),
      }),
    })
    expect(warnings).toEqual([])
    expect(deleted).toEqual(['pr-1', expect.stringMatching(/^sha256:/)])
  })

  it('counts a digest with several push times from the latest', async () => {
    const world = await listedWorld()
    const digest = world.put(image({ label: 'a' }), { tags: ['pr-1'] })
    const { deleted, explain } = await world.plan([oldTags], {
      change: (snapshot) => ({
        ...snapshot,
        entries: new Map([
          [
            digest,
            { digest, tags: [{ name: 'pr-1', pushedAt: now - 3 * dayMs }], pushedAt: now - 90 * dayMs },
          ],
        ]),
      }),
    })
    expect(deleted).toEqual([])
    expect(explain('pr-1')).toMatchObject({
      time: { text: 'the push time of the registry' },
      listing: {
        vendor: 'The Vendor',
        pushedAt: '2026-05-29T00:00:00.000Z',
        pulls: 'unknown',
        deletesBy: 'oci',
      },
    })
  })

  it('keeps one tag of a kept image if the registry deletes an image with its last tag', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    world.put(child, { tags: ['pr-1', 'pr-2'] })
    world.put(index([child]), { tags: ['live'] })
    const deletes = { tags: 100, lastTagDeletesManifest: true } as const
    expect((await world.plan([oldTags])).deleted).toEqual([':pr-1', ':pr-2'])
    const { deleted, explain } = await world.plan([oldTags], { deletes })
    expect(deleted).toHaveLength(1)
    expect(explain(deleted[0] === ':pr-1' ? 'pr-2' : 'pr-1').why).toMatchObject({ kind: 'cannotUntag' })
  })

  it('applies protections to the whole image, which is read for that', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    world.put(child, { tags: ['pr-1'] })
    world.put(image({ label: 'b' }), { tags: ['pr-2'] })
    world.put(index([child]), { tags: ['prod'] })
    const { deleted, explain } = await world.plan([oldTags], { protect: [protection(globs('prod'))] })
    expect(deleted).toEqual(['pr-2'])
    expect(explain('pr-1').why.kind).toBe('protection')
  })

  it('finds broken indexes by a rule of that kind', async () => {
    const world = await listedWorld()
    const child = image({ label: 'child' })
    const broken = index([child])
    world.put(broken, { tags: ['broken'] })
    await world.storage.deleteManifest('dev/api', child.root.digest as never)
    const { evaluation } = await world.plan([rule('broken', { kind: 'broken', days: 1 })])
    expect(evaluation.snapshot.history?.broken.has('broken')).toBe(true)
  })

  it('shows hostile names and agents as data (case 39)', async () => {
    const world = await listedWorld()
    const digest = world.put(image({ label: 'a' }), { tags: ['pr-1'] })
    const agent = '\u001b[31mcurl\n<script>'
    world.facts.set(digest, { pushedAt: now - 50 * dayMs, pulledAt: now, pulledBy: agent })
    const { explain } = await world.plan([oldTags], { knows: { pulledAt: 'exact' } })
    const text = renderExplanation(explain('pr-1'), { style: plainStyle, width: undefined })
    expect(text).not.toContain('\u001b')
    expect(text).toContain('curl')
    expect(text).toContain('through the OCI API')
  })

  it('shows the size of an image that was not read only if the inventory has it, and an upper bound of what is freed', async () => {
    const world = await listedWorld()
    const live = world.put(index(['linux/amd64'], { label: 'live' }), { tags: ['live'] })
    world.put(image({ label: 'pr' }), { tags: ['pr-1'] })
    const sizes = (plan: ListedPlan): Readonly<Record<string, number | undefined>> =>
      Object.fromEntries(plan.decision.plan.tags.map(({ tag, size }) => [tag, size]))
    const without = await world.plan([oldTags])
    expect(sizes(without)['live']).toBeUndefined()
    expect(sizes(without)['pr-1']).toBeGreaterThan(300)
    expect(without.decision.plan).toMatchObject({ isFreedMost: true })
    world.facts.set(live, { ...world.facts.get(live), bytes: 7_000_000 })
    expect(sizes(await world.plan([oldTags], { knows: { size: 'image' } }))['live']).toBe(7_000_000)
  })

  it.each([
    ['an image', image({ label: 'archived' }), ['alone', 'pr-1'], ''],
    [
      'an index',
      index(['linux/amd64'], { label: 'archived' }),
      ['pr-1'],
      'which may be an index: it is archived',
    ],
  ])('that is archived is no difference: %s', async (_, archived, expected, warning) => {
    const world = await listedWorld()
    const digest = world.put(archived, { tags: ['archived'] })
    world.facts.set(digest, { ...world.facts.get(digest), status: 'ARCHIVED' })
    world.put(image({ label: 'alone' }), { name: 'alone' })
    world.put(image({ label: 'pr' }), { tags: ['pr-1'] })
    const { deleted, warnings } = await world.plan([untagged, oldTags], {
      between: () => void world.storage.deleteManifest('dev/api', digest),
    })
    expect(deleted).toEqual(expected)
    expect(warnings).toHaveLength(warning === '' ? 0 : 1)
    expect(warnings.join('')).toContain(warning)
  })
})
