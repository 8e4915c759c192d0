import { appendFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readOpenHolds } from '../../../../src/audit/holds/open-holds.ts'
import { holdTag } from '../../../../src/images/holds/hold-tag.ts'
import { parseDigest } from '../../../../src/oci/digest.ts'
import { formatRepository } from '../../../../src/oci/reference.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { decideRepository } from '../../../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../../../src/usecases/prune/gather.ts'
import { noSources } from '../../../../src/usecases/prune/records/history-reader.ts'
import { hold, planHold } from '../../../support/holding.ts'
import { image } from '../../../support/images.ts'
import { type Bench, bench, repository } from '../../../support/promotion.ts'
import { globs, rule } from '../../../support/repository-graphs.ts'
import { type WatchedRegistry, watchedRegistry } from '../../../support/world.ts'

const api = image({ label: 'api', layers: 1 })
const digest = parseDigest(api.root.digest)
const tag = holdTag(digest)

let run: Bench
let registry: WatchedRegistry
beforeEach(async () => {
  run = await bench()
  registry = await watchedRegistry()
  await registry.oracle.push(api, 'app', '1.4.2')
})
afterEach(async () => {
  await run[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

/** Plans a prune that deletes every image, and returns what it deletes. */
async function prune(): Promise<readonly string[]> {
  const name = repository(registry, 'app')
  const policy = {
    protect: [],
    rules: [rule('all', { tags: globs('*') })],
    limits: {},
    timeFrom: ['annotation'],
    reading: plainReading,
  } as const
  const openHolds = await readOpenHolds(run.auditFile, {
    identify: formatRepository,
    now: Date.now(),
    signal: run.call.signal,
  })
  const { snapshot } = await gather(
    run.freshStores().source(name),
    { repository: name, image: 'app', inUse: [], orphaned: [] },
    {
      policy,
      now: Date.now,
      sources: {
        ...noSources,
        openHolds: async () => await Promise.resolve(openHolds.get(formatRepository(name)) ?? []),
      },
    },
    run.call,
  )
  const { plan } = decideRepository(snapshot, policy)
  return plan.steps.map((step) => (step.kind === 'deleteTag' ? step.tag : step.target.digest))
}

async function statementOf(): Promise<string> {
  const [first = ''] = await registry.oracle.referrers('app', digest)
  return first
}

describe('an image that the audit log holds', () => {
  it('is kept, and its statement is not read', async () => {
    await hold(run, { host: registry.host })
    registry.forget()
    expect(await prune()).toEqual([])
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([])
  })

  it('is kept if only its tag was deleted outside dray', async () => {
    await hold(run, { host: registry.host })
    await registry.oracle.delete('app', tag)
    expect(await prune()).toEqual([])
  })

  it('is kept if only its statement was deleted outside dray', async () => {
    await hold(run, { host: registry.host })
    await registry.oracle.delete('app', await statementOf())
    expect(await prune()).toEqual([])
  })

  it('refuses the repository if both were deleted outside dray, and says who held it', async () => {
    await hold(run, { host: registry.host, reason: 'OPS-7: \u001B[31m' })
    await registry.oracle.delete('app', await statementOf())
    await registry.oracle.delete('app', tag)
    await expect(prune()).rejects.toMatchObject({
      code: 'refused',
      subject: `${registry.host}/app@${digest}`,
      why: expect.stringMatching(
        /^according to the audit log, ada@here held the image at .* with the reason "OPS-7: \\u001b\[31m", and no run released it: another client with permission to delete, or a clean-up/,
      ),
      hint: expect.stringContaining(`dray hold --release ${registry.host}/app@${digest} --reason TEXT`),
    })
    await hold(run, { host: registry.host, at: { digest }, decision: 'release' })
    expect(await prune()).toEqual([digest, await statementOf()])
  })

  it('is deleted once another machine has released it', async () => {
    await hold(run, { host: registry.host })
    await using other = await bench()
    await hold(other, { host: registry.host, decision: 'release' })
    expect(await prune()).toContain(digest)
  })

  it('is deleted with its tag after the last day of the hold, also if nothing else is', async () => {
    await hold(run, { host: registry.host, expires: '2020-01-31' })
    expect(await registry.oracle.digest('app', tag)).toBe(digest)
    expect(await prune()).toContain(digest)
  })

  it('does not matter after its last day', async () => {
    await hold(run, { host: registry.host, expires: '2026-01-31' })
    const open = async (at: number) =>
      await readOpenHolds(run.auditFile, { identify: formatRepository, now: at, signal: run.call.signal })
    expect((await open(Date.parse('2026-01-31T23:59:00Z'))).size).toBe(1)
    expect((await open(Date.parse('2026-02-01T00:00:00Z'))).size).toBe(0)
  })
})

it('a damaged record of a hold refuses, and any other damaged line does not', async () => {
  await hold(run, { host: registry.host })
  await run.log.close()
  appendFileSync(run.auditFile, 'nonsense\n')
  await expect(prune()).resolves.toEqual([])
  appendFileSync(run.auditFile, '{"operation":"hold"\n')
  await expect(prune()).rejects.toMatchObject({ code: 'audit' })
})

it('the plan of a hold names what is held already', async () => {
  await hold(run, { host: registry.host })
  const { images } = await planHold(run, { host: registry.host, reason: 'audit' })
  expect(images).toMatchObject([{ before: expect.stringContaining('held by ada since') }])
})
