import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { queryObjects } from 'node:v8'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gatherPruneInputs } from '../../../src/cli/prune/prune-inputs.ts'
import { planPrune, readersOf, repositoriesAtOnce } from '../../../src/cli/prune/prune-run.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import type { AuditSink } from '../../../src/audit/log/sink.ts'
import { DeleteLedger } from '../../../src/execute/deletes/delete-ledger.ts'
import { PendingDeletes } from '../../../src/execute/deletes/live-set.ts'
import { RepositoryDeletes } from '../../../src/execute/deletes/repository-deletes.ts'
import { Rescans } from '../../../src/execute/deletes/rescans.ts'
import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import { Reach } from '../../../src/images/graph/reach.ts'
import { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import { ImageTimes } from '../../../src/usecases/prune/policy/times.ts'
import { image, index } from '../../support/images.ts'
import { executePrunePlan, prunePlanOf } from '../../support/pruning.ts'
import { isDelete, startPruneRegistry } from '../../support/prune-registry.ts'
import { tempFolder } from '../../support/temp.ts'
import { watchedRegistry } from '../../support/world.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

/** The number of reachable instances of a class after a garbage collection. */
function alive(constructor: new (...args: never) => unknown): number {
  return queryObjects(constructor, { format: 'count' })
}

/** Repositories with one delete each, three times as many as are pruned at once. */
async function planOfMany() {
  const world = await startPruneRegistry()
  const repositories = Array.from({ length: 3 * repositoriesAtOnce }, (_, i) => ({
    ...world.repository,
    path: `dev/r${i}`,
  }))
  for (const { path } of repositories)
    await world.registry.oracle.push(image({ label: path }), path, 'pr-1', 'pr-2')
  return { world, plan: await prunePlanOf(world.run, repositories) }
}

describe('the memory of a prune', () => {
  it('contains only the plan of a decided repository', async () => {
    await using registry = await watchedRegistry()
    const names = ['api', 'web', 'jobs']
    for (const name of names) {
      await registry.oracle.push(index(['linux/amd64'], { label: `old ${name}` }), `dev/${name}`, 'pr-1')
      await registry.oracle.push(image({ label: `new ${name}` }), `dev/${name}`, 'main')
    }
    const cwd = await tempFolder()
    const config = {
      version: 1,
      environments: { dev: { registry: registry.host, path: 'dev/{image}' } },
      images: Object.fromEntries(names.map((name) => [name, {}])),
      retention: { rules: [{ name: 'previews', tags: ['pr-*'] }] },
    }
    await writeFile(join(cwd, 'dray.yaml'), JSON.stringify(config))
    const context = new Context({ configFile: undefined, env: { HOME: cwd }, cwd, version: '0' })
    const inputs = await gatherPruneInputs(
      {
        patterns: [],
        policy: undefined,
        exclude: [],
        shard: undefined,
        inUse: [],
        cache: true,
        auditFile: undefined,
      },
      context,
      call,
    )
    const planned = await planPrune(inputs, context, call)
    expect(planned.plan.repositories.map(({ steps }) => steps.length)).toEqual([2, 2, 2])
    expect([RepositoryReader, Reach, ImageTimes].map(alive)).toEqual([0, 0, 0])
    // The plan itself is alive until here.
    expect(planned.plan.refusals).toEqual([])
  })

  it('contains the readers, graphs and ledgers of only the repositories that are being pruned', async () => {
    const { world, plan } = await planOfMany()
    let counts: readonly number[] = []
    const measure = (): void => {
      counts = [RepositoryReader, RepositoryDeletes, DeleteLedger, Rescans, PendingDeletes].map(alive)
    }
    world.after(isDelete, measure, plan.repositories.length)
    const done = await executePrunePlan(world.run, plan, {
      reader: readersOf(plan, world.run.stores, undefined),
    })
    expect(done.repositories.map(({ status }) => status)).toEqual(plan.repositories.map(() => 'pruned'))
    expect(counts).toHaveLength(5)
    for (const count of counts) expect(count).toBeLessThanOrEqual(repositoriesAtOnce)
  })

  it('contains no outcome of a repository that has ended', async () => {
    const { world, plan } = await planOfMany()
    const ended: WeakRef<readonly DeleteOutcome[]>[] = []
    let kept: number | undefined
    await executePrunePlan(world.run, plan, {
      ended: (_, outcomes) => {
        ended.push(new WeakRef(outcomes))
        if (ended.length < plan.repositories.length) return
        // it collects the garbage
        alive(DeleteLedger)
        kept = ended.filter((one) => one.deref() !== undefined).length
      },
    })
    expect(ended).toHaveLength(plan.repositories.length)
    expect(kept).toBeLessThanOrEqual(repositoriesAtOnce)
  })

  it('has open intents of those repositories alone that are being pruned', async () => {
    const { world, plan } = await planOfMany()
    let open = 0
    let most = 0
    const sink: AuditSink = {
      path: 'memory',
      write: async (records) => {
        for (const { phase } of records) open += phase === 'intent' ? 1 : -1
        most = Math.max(most, open)
      },
    }
    await executePrunePlan(world.run, plan, { sink })
    expect(open).toBe(0)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(repositoriesAtOnce)
  })
})

describe('a repository without tags', () => {
  async function warningsFor(patterns: readonly string[]): Promise<readonly string[]> {
    await using registry = await watchedRegistry()
    await registry.oracle.push(image({ label: 'a' }), 'dev/api', 'main')
    const cwd = await tempFolder()
    const config = {
      version: 1,
      environments: { dev: { registry: registry.host, path: 'dev/{image}' } },
      retention: { rules: [{ name: 'previews', repositories: ['@dev/api', '@dev/web'], tags: ['pr-*'] }] },
    }
    await writeFile(join(cwd, 'dray.yaml'), JSON.stringify(config))
    const context = new Context({ configFile: undefined, env: { HOME: cwd }, cwd, version: '0' })
    onTestFinished(() => context.close())
    const none = {
      policy: undefined,
      exclude: [],
      shard: undefined,
      inUse: [],
      cache: false,
      auditFile: undefined,
    }
    const inputs = await gatherPruneInputs({ ...none, patterns }, context, call)
    const { warnings } = await planPrune(inputs, context, call)
    return warnings.map((text) => text.replace(registry.host, 'HOST'))
  }

  it('is a warning if the arguments name it, because the name may be mistyped', async () => {
    expect(await warningsFor(['@dev/apii', '@dev/api'])).toEqual([
      'no tags, or no such repository: HOST/dev/apii. Check the name.',
    ])
  })

  it('is no warning if only the policy names it', async () => {
    expect(await warningsFor([])).toEqual([])
  })
})
