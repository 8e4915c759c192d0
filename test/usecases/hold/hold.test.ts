import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readOpenHolds } from '../../../src/audit/holds/open-holds.ts'
import { holdTag } from '../../../src/images/holds/hold-tag.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import { listHolds } from '../../../src/usecases/hold/list.ts'
import { entriesOf, waitingClock } from '../../support/audit-log.ts'
import { executeHoldPlan, hold, planHold } from '../../support/holding.ts'
import { image, index, referrer } from '../../support/images.ts'
import { type Bench, bench, repository } from '../../support/promotion.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

const api = index(['amd64', 'arm64'], { label: 'api', layers: 1 })
const digest = parseDigest(api.root.digest)
const tag = holdTag(digest)

let run: Bench
let registry: WatchedRegistry
afterEach(async () => {
  await run[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

async function start(profile: Parameters<typeof watchedRegistry>[0] = 'oci-1.1'): Promise<void> {
  run = await bench({ clock: waitingClock(Date.now()) })
  registry = await watchedRegistry(profile)
  await registry.oracle.push(api, 'app', '1.4.2')
}

const at = (): { readonly host: string } => ({ host: registry.host })
const release = () => ({ ...at(), decision: 'release', reason: 'closed' }) as const
const statuses = async (of: Promise<readonly { readonly status: string }[]>) =>
  (await of).map(({ status }) => status)
const writes = (): readonly string[] =>
  registry.requests.filter(({ method }) => !['GET', 'HEAD'].includes(method)).map(({ method }) => method)
const listed = async () =>
  await listHolds(
    [{ image: 'app', repository: repository(registry, 'app') }],
    run.freshStores(),
    Date.now(),
    run.call,
  )
const openHolds = async () =>
  [
    ...(
      await readOpenHolds(run.auditFile, {
        identify: formatRepository,
        now: Date.now(),
        signal: run.call.signal,
      })
    ).values(),
  ].flat()

describe.each(['oci-1.1', 'zot-2.1', 'docker-registry-2.8', 'harbor', 'ecr'] as const)(
  'a hold at %s',
  (profile) => {
    beforeEach(() => start(profile))

    it('attaches a statement and sets the tag, and a second run writes nothing', async () => {
      expect(await hold(run, { ...at(), ticket: 'OPS-7' })).toMatchObject([{ status: 'held', digest, tag }])
      expect(await registry.oracle.digest('app', tag)).toBe(digest)
      expect(await listed()).toMatchObject([{ digest, by: 'ada', reason: 'incident', ticket: 'OPS-7' }])
      registry.forget()
      expect(await statuses(hold(run, { ...at(), ticket: 'OPS-7' }))).toEqual(['unchanged'])
      expect(writes()).toEqual([])
    })

    it('is ended by a release, and a second release writes nothing', async () => {
      await hold(run, at())
      expect(await statuses(hold(run, release()))).toEqual(['released'])
      expect(await listed()).toEqual([])
      expect(await openHolds()).toEqual([])
      registry.forget()
      expect(await statuses(hold(run, release()))).toEqual(['unchanged'])
      expect(writes().filter((method) => method !== 'DELETE')).toEqual([])
      expect(await registry.oracle.complaints('app', '1.4.2')).toEqual([])
    })

    it('can begin again after its release', async () => {
      await hold(run, at())
      await hold(run, release())
      expect(await statuses(hold(run, at()))).toEqual(['held'])
      expect(await listed()).toMatchObject([{ digest }])
      expect(await openHolds()).toMatchObject([{ digest, reason: 'incident' }])
    })
  },
)

describe('a hold', () => {
  beforeEach(() => start())

  it('is recorded with its decision, reason and tag, before and after', async () => {
    await hold(run, { ...at(), expires: '2999-01-31' })
    expect(entriesOf(run.auditFile)).toMatchObject([
      { phase: 'intent', operation: 'hold', step: { kind: 'attest', decision: 'hold' } },
      { phase: 'outcome', result: 'done', reason: 'incident', step: { expires: '2999-01-31' } },
      { phase: 'intent', step: { kind: 'tag', tag } },
      { phase: 'outcome', result: 'done', after: digest, step: { kind: 'tag', tag } },
    ])
    await hold(run, release())
    expect(entriesOf(run.auditFile).at(-1)).toMatchObject({
      phase: 'outcome',
      result: 'done',
      before: digest,
      after: null,
      step: { kind: 'deleteTag', tag },
    })
  })

  it('with another reason is a second hold, and a release ends both', async () => {
    await hold(run, at())
    expect(await statuses(hold(run, { ...at(), reason: 'audit' }))).toEqual(['held'])
    await hold(run, release())
    expect(await listed()).toEqual([])
  })

  it('of one image does not end with the release of another', async () => {
    const other = image({ label: 'other' })
    await registry.oracle.push(other, 'app', 'other')
    await hold(run, at())
    await hold(run, { ...at(), at: { tag: 'other' } })
    await hold(run, release())
    expect((await listed()).map((one) => one.digest)).toEqual([other.root.digest])
  })

  it('of an image whose clock was ahead is ended by a later release', async () => {
    await hold(run, { ...at(), now: new Date(Date.now() + 60_000) })
    await hold(run, release())
    expect(await listed()).toEqual([])
  })

  it('that is dated far in the future is not released', async () => {
    await hold(run, { ...at(), now: new Date(Date.now() + 3_600_000) })
    const { images, refusals } = await planHold(run, release())
    expect(images).toEqual([])
    expect(refusals).toMatchObject([{ error: { code: 'refused', hint: expect.stringContaining('clock') } }])
  })

  it('is refused if its tag is on another image', async () => {
    await registry.oracle.push(image({ label: 'other' }), 'app', tag)
    const { refusals } = await planHold(run, at())
    expect(refusals).toMatchObject([{ error: { code: 'refused', message: expect.stringContaining(tag) } }])
  })

  it('does not move a tag that another client sets in the meantime', async () => {
    const plan = await planHold(run, at())
    const other = image({ label: 'other' })
    await registry.oracle.push(other, 'app', tag)
    expect(await statuses(executeHoldPlan(run, plan))).toEqual(['conflict'])
    expect(await registry.oracle.digest('app', tag)).toBe(other.root.digest)
  })

  it('is refused for an image that does not exist, and its release changes nothing', async () => {
    const gone = { digest: parseDigest(`sha256:${'0'.repeat(64)}`) }
    expect((await planHold(run, { ...at(), at: { tag: 'none' } })).refusals).toMatchObject([
      { error: { code: 'not-found' } },
    ])
    expect((await planHold(run, { ...at(), at: gone })).refusals).toMatchObject([
      { error: { code: 'not-found' } },
    ])
    registry.forget()
    expect(await statuses(hold(run, { ...release(), at: gone }))).toEqual(['unchanged'])
    expect(writes()).toEqual([])
  })

  it('of an image that was deleted outside dray is ended in the audit log alone', async () => {
    const single = image({ label: 'single' })
    await registry.oracle.push(single, 'app', 'single')
    const gone = { digest: parseDigest(single.root.digest) }
    await hold(run, { ...at(), at: gone })
    await registry.oracle.delete('app', gone.digest)
    registry.forget()
    expect(await statuses(hold(run, { ...release(), at: gone }))).toEqual(['released'])
    expect(writes()).toEqual([])
    expect(await openHolds()).toEqual([])
    expect(entriesOf(run.auditFile).at(-1)).toMatchObject({
      phase: 'outcome',
      result: 'unchanged',
      step: { kind: 'attest', decision: 'release' },
    })
  })

  it('of a tag that a person has set is released with a statement', async () => {
    await registry.oracle.push(api, 'app', tag)
    expect(await listed()).toMatchObject([{ digest, text: `held by the tag ${tag}` }])
    expect(await statuses(hold(run, release()))).toEqual(['released'])
    expect(await registry.oracle.digest('app', tag)).toBeUndefined()
  })

  it('is listed although another attached artifact is damaged', async () => {
    await hold(run, at())
    await registry.oracle.push(referrer(api, { annotations: { 'in-toto.io/predicate-type': 'x' } }), 'app')
    expect(await listed()).toHaveLength(1)
  })

  it('loses one image at most if the registry deletes an image together with its tag', async () => {
    await start({ abilities: { deleteTag: 'with its manifest' } })
    await registry.oracle.push(image({ label: 'web', layers: 1 }), 'web', '1')
    await hold(run, at())
    await hold(run, { ...at(), path: 'web', at: { tag: '1' } })
    const plans = [
      await planHold(run, release()),
      await planHold(run, { ...release(), path: 'web', at: { tag: '1' } }),
    ] as const
    const both = { ...plans[0], images: plans.flatMap(({ images }) => images) }
    expect(await executeHoldPlan(run, both)).toMatchObject([
      { status: 'failed', error: { code: 'protocol' } },
      { status: 'released', isTagLeft: true },
    ])
    expect(await registry.oracle.tags('web')).toContain('1')
  })
})
