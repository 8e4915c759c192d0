import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pruneOperation } from '../../../src/cli/prune/prune-operation.ts'
import type { ExclusiveRepository } from '../../../src/cli/sync/deletes/exclusive-repository.ts'
import { type ExtraDeletes, planExtraDeletes } from '../../../src/cli/sync/deletes/plan-extra-deletes.ts'
import { reviewExtraDeletes } from '../../../src/cli/sync/deletes/review-extra-deletes.ts'
import { readUsedDigests } from '../../../src/cli/sync/deletes/used-digests.ts'
import type { SyncDelete, SyncRule } from '../../../src/config/sync/sync-rule.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { PruneOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import { decide } from '../../../src/usecases/sync/decide.ts'
import { gather } from '../../../src/usecases/sync/gather.ts'
import { type TestPorts, testPorts } from '../../support/change-ports.ts'
import { type Content, cosignSignature, image, referrer } from '../../support/images.ts'
import { syncRequest } from '../../support/syncing.ts'
import { tempFolder } from '../../support/temp.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

/** parts of a retention policy */
const inUse = { inUse: { files: ['gitops/*.yaml'] } }
const rule = { name: 'old', tags: ['none-*'], keepNewest: 1 }

const exclusive: SyncDelete = { exclusive: true, gracePeriod: 0 }

interface Mirror {
  readonly source: WatchedRegistry
  readonly destination: WatchedRegistry
  readonly ports: TestPorts
  /** pushes to both sides */
  readonly both: (content: Content, tag: string) => Promise<void>
  /** pushes to the destination only */
  readonly extra: (content: Content, tag: string) => Promise<void>
  /** the destination as a run with these changes of the rule reads it */
  readonly read: (rule?: Partial<SyncRule>) => Promise<ExclusiveRepository>
  readonly plan: (rule?: Partial<SyncRule>) => Promise<ExtraDeletes>
  readonly execute: (deletes: Pick<ExtraDeletes, 'plan' | 'findings'>) => Promise<PruneOutcome>
  readonly tags: () => Promise<readonly string[]>
  /** writes a file of a cluster that uses an image of the destination */
  readonly use: (at: string) => Promise<void>
}

/** A source and an exclusive destination, and a `dray.yaml` with this retention. */
async function mirror(retention?: (host: string) => object): Promise<Mirror> {
  const [source, destination] = [await watchedRegistry(), await watchedRegistry()]
  const folder = await tempFolder()
  const made = retention?.(destination.host)
  const config = { version: 1, ...(made !== undefined && { retention: made }) }
  await writeFile(join(folder, 'dray.yaml'), JSON.stringify(config))
  const flags = { 'audit-file': join(folder, 'audit.jsonl') }
  const ports = testPorts({ folder, clock: systemClock, flags, width: 100 })
  const { context, call } = ports
  const from = { registry: source.host, path: 'app' }
  const to = { registry: destination.host, path: 'hub/app' }
  const read: Mirror['read'] = async (changes = {}) => {
    const request = syncRequest({ from, to: [to], rule: { delete: exclusive, ...changes } })
    const stores = await context.stores()
    const snapshot = await gather(
      request,
      { stores },
      { clock: systemClock, evidence: false, full: false },
      call,
    )
    const decision = decide(snapshot, { overwriteChanged: false })
    const [target] = request.destinations
    const [drift] = decision.drift
    const [state] = decision.states
    if (target === undefined || drift === undefined || state === undefined)
      throw new TypeError('no destination')
    const selected = new Set(snapshot.selection.tags.map(({ tag }) => tag))
    const { sourceTags } = snapshot
    return { rule: request.rule, source: request.source, target, drift, state, selected, sourceTags }
  }
  return {
    source,
    destination,
    ports,
    both: async (content, tag) => {
      await source.oracle.push(content, 'app', tag)
      await destination.oracle.push(content, 'hub/app', tag)
    },
    extra: async (content, tag) => {
      await destination.oracle.push(content, 'hub/app', tag)
    },
    read,
    plan: async (changes) =>
      await planExtraDeletes(
        [await read(changes)],
        { auditFile: flags['audit-file'], cache: false },
        context,
        call,
      ),
    execute: async ({ plan, findings }) =>
      (await pruneOperation.execute(plan, findings, false, ports)).outcome,
    use: async (at) => {
      await mkdir(join(folder, 'gitops'), { recursive: true })
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        spec: { containers: [{ image: `${destination.host}/hub/app${at}` }] },
      }
      await writeFile(join(folder, 'gitops/pod.yaml'), JSON.stringify(pod))
    },
    tags: async () => (await destination.oracle.tags('hub/app')).toSorted(),
  }
}

const named = (label: string): Content => image({ label })

describe('the deletes of extra tags', () => {
  it('delete the extra tags with their attached artifacts, and keep those of selected images (case 23)', async () => {
    const { both, extra, plan, execute, tags, destination } = await mirror()
    const [kept, old] = [named('kept'), named('old')]
    await both(kept, 'latest')
    await extra(old, 'old')
    const [ofKept, ofOld] = [cosignSignature(kept), cosignSignature(old)]
    const ofApi = referrer(kept)
    for (const one of [ofKept, ofOld, ofApi]) await destination.oracle.push(one, 'hub/app')
    const deletes = await plan()
    expect(deletes.warnings).toEqual([])
    const { status } = await execute(deletes).then(({ repositories: [first] }) => first ?? { status: 'none' })
    expect(status).toBe('pruned')
    expect(await tags()).toEqual(['latest', ofKept.manifests[0]?.tag])
    expect(await destination.oracle.manifest('hub/app', ofApi.root.digest)).toBeDefined()
  })

  it('name the sync rule in the plan and for each tag', async () => {
    const { both, extra, plan } = await mirror()
    await both(named('kept'), 'latest')
    await extra(named('old'), 'old')
    const { plan: made } = await plan()
    expect(made.policyName).toBe('sync hub')
    expect(made.repositories[0]?.tags.map(({ tag, verdict, why }) => [tag, verdict, why.text])).toEqual([
      ['latest', 'keep', 'the sync rule hub selects it'],
      ['old', 'delete', 'the sync rule hub does not select it'],
    ])
  })

  it('delete only the tag if a selected tag is on the same digest', async () => {
    const { both, extra, plan, execute, tags, destination } = await mirror()
    const shared = named('shared')
    await both(shared, 'latest')
    await extra(shared, 'old')
    await execute(await plan())
    expect(await tags()).toEqual(['latest'])
    expect(await destination.oracle.manifest('hub/app', shared.root.digest)).toBeDefined()
  })

  it('keep what a protection of a retention policy keeps, and what is in use', async () => {
    const used = named('used')
    const { both, extra, plan, execute, tags, use } = await mirror((host) => {
      return {
        protect: [{ tags: ['prod-*'] }, inUse, { tags: ['other-*'], repositories: [`${host}/other`] }],
        rules: [rule],
      }
    })
    await use(`@${used.root.digest}`)
    await both(named('kept'), 'latest')
    for (const tag of ['prod-1', 'other-1', 'old']) await extra(named(tag), tag)
    await extra(used, 'used')
    await execute(await plan())
    expect(await tags()).toEqual(['latest', 'prod-1', 'used'])
  })

  it('are none if the images in use cannot be read', async () => {
    const { both, extra, plan, tags } = await mirror(() => {
      return { protect: [inUse], rules: [rule] }
    })
    await both(named('kept'), 'latest')
    await extra(named('old'), 'old')
    await expect(plan()).rejects.toMatchObject({ code: 'refused' })
    expect(await tags()).toEqual(['latest', 'old'])
  })

  it('are refused if they pass a limit of the rule', async () => {
    const { both, extra, plan } = await mirror()
    await both(named('kept'), 'latest')
    for (const tag of ['a', 'b']) await extra(named(tag), tag)
    const { plan: made } = await plan({ delete: { ...exclusive, maxDeletes: 1 } })
    expect(made.repositories[0]?.steps).toEqual([])
    expect(made.refusals).toMatchObject([{ repository: { path: 'hub/app' }, error: { code: 'refused' } }])
  })

  it('read nothing of a destination without extra tags', async () => {
    const { both, read, ports, destination } = await mirror()
    await both(named('kept'), 'latest')
    const one = await read()
    destination.forget()
    const options = { auditFile: ports.flags['audit-file'], cache: false }
    const { plan } = await planExtraDeletes([one], options, ports.context, ports.call)
    expect(plan.repositories).toEqual([])
    expect(destination.requests).toEqual([])
  })

  it('are none if the source has a tag that its list lacks', async () => {
    const { both, read, ports, tags } = await mirror()
    await both(named('kept'), 'latest')
    await both(named('hidden'), 'hidden')
    const one = await read()
    const lacking: ExclusiveRepository = {
      ...one,
      selected: new Set(['latest']),
      sourceTags: ['latest'],
      drift: {
        ...one.drift,
        tags: [{ tag: 'hidden', state: 'extra', source: null, destination: null }],
      },
    }
    const options = { auditFile: ports.flags['audit-file'], cache: false }
    const { plan, warnings } = await planExtraDeletes([lacking], options, ports.context, ports.call)
    expect(plan.repositories).toEqual([])
    expect(warnings).toEqual([expect.stringMatching(/has tags that its list does not have: hidden/)])
    expect(await tags()).toEqual(['hidden', 'latest'])
  })

  it('keep a tag that was pushed to the destination again before the delete', async () => {
    const { both, extra, plan, execute, tags } = await mirror()
    await both(named('kept'), 'latest')
    await extra(named('old'), 'old')
    const deletes = await plan()
    await extra(named('new'), 'old')
    const { findings, plan: made } = deletes
    const outcome = await execute({ plan: made, findings: { ...findings, readAt: 0 } })
    expect(outcome.repositories).toMatchObject([{ conflicts: 1 }])
    expect(await tags()).toEqual(['latest', 'old'])
  })
})

describe('the deletes of a saved plan', () => {
  it('are executed if the tags are extra now too', async () => {
    const { both, extra, plan, read, ports, execute, tags } = await mirror()
    await both(named('kept'), 'latest')
    await extra(named('old'), 'old')
    const { plan: saved } = await plan()
    const options = { auditFile: ports.flags['audit-file'] }
    const review = await reviewExtraDeletes(saved, [await read()], options, ports.context, ports.call)
    expect(review).toMatchObject({ warnings: [], omissions: [] })
    await execute({ plan: saved, findings: review.findings })
    expect(await tags()).toEqual(['latest'])
  })

  it('are not executed for a tag that the source has again, or that the rule selects now', async () => {
    const { both, extra, plan, read, ports, execute, tags, source } = await mirror()
    const old = named('old')
    await both(named('kept'), 'latest')
    await extra(old, 'old')
    await extra(named('older'), 'older')
    const { plan: saved } = await plan()
    await source.oracle.push(old, 'app', 'old')
    const options = { auditFile: ports.flags['audit-file'] }
    const review = await reviewExtraDeletes(saved, [await read()], options, ports.context, ports.call)
    expect(review.omissions).toHaveLength(1)
    await execute({ plan: saved, findings: review.findings })
    expect(await tags()).toEqual(['latest', 'old'])
  })

  it('are refused in a repository that no rule deletes in', async () => {
    const { both, extra, plan, ports } = await mirror()
    await both(named('kept'), 'latest')
    await extra(named('old'), 'old')
    const { plan: saved } = await plan()
    const options = { auditFile: ports.flags['audit-file'] }
    await expect(reviewExtraDeletes(saved, [], options, ports.context, ports.call)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/no sync rule deletes in/),
    })
  })

  it('are refused if they pass a limit of the rule now', async () => {
    const { both, extra, plan, read, ports } = await mirror()
    await both(named('kept'), 'latest')
    for (const tag of ['a', 'b']) await extra(named(tag), tag)
    const { plan: saved } = await plan()
    const now = await read({ delete: { ...exclusive, maxDeletes: 1 }, hash: 'sha256:other' })
    const options = { auditFile: ports.flags['audit-file'] }
    await expect(reviewExtraDeletes(saved, [now], options, ports.context, ports.call)).rejects.toMatchObject({
      code: 'refused',
    })
  })
})

describe('the digests in use', () => {
  const used = named('used').root.digest as Digest

  it('are those that a protection names by digest, each with its file', async () => {
    const { destination, ports, use } = await mirror(() => {
      return { protect: [inUse], rules: [rule] }
    })
    await use(`@${used}`)
    const repository = { registry: destination.host, path: 'hub/app' }
    const usedIn = await readUsedDigests([repository], ports.context, ports.call)
    expect([...usedIn(repository)]).toEqual([[used, expect.stringMatching(/gitops\/pod\.yaml/)]])
    expect([...usedIn({ ...repository, path: 'hub/other' })]).toEqual([])
  })

  it('are none if no protection by use applies to the repository', async () => {
    const { destination, ports, use } = await mirror((host) => {
      return { protect: [{ ...inUse, repositories: [`${host}/other`] }], rules: [rule] }
    })
    await use(`@${used}`)
    const repository = { registry: destination.host, path: 'hub/app' }
    const usedIn = await readUsedDigests([repository], ports.context, ports.call)
    expect([...usedIn(repository)]).toEqual([])
  })
})
