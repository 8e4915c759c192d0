import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { queryObjects } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { pruneInputs } from '../../../src/cli/prune/prune-inputs.ts'
import { planPrune, readersOf } from '../../../src/cli/prune/prune-run.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import { Reach } from '../../../src/images/graph/reach.ts'
import { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import { ImageTimes } from '../../../src/usecases/prune/policy/times.ts'
import { image, index } from '../../support/images.ts'
import { carryOutPrune, prunePlanOf } from '../../support/pruning.ts'
import { isDelete, pruneWorld } from '../../support/prune-world.ts'
import { tempFolder } from '../../support/temp.ts'
import { watchedRegistry } from '../../support/world.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

/** The number of reachable instances of a class after a garbage collection. */
function alive(constructor: new (...args: never) => unknown): number {
  return queryObjects(constructor, { format: 'count' })
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
    const inputs = await pruneInputs(
      {
        words: [],
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

  it('contains only the graphs of the repositories that are being pruned', async () => {
    const world = await pruneWorld()
    const repositories = Array.from({ length: 12 }, (_, i) => ({ ...world.repository, path: `dev/r${i}` }))
    for (const { path } of repositories)
      await world.registry.oracle.push(image({ label: path }), path, 'pr-1', 'pr-2')
    const plan = await prunePlanOf(world.run, repositories)
    let readers: number | undefined
    world.after(isDelete, () => (readers = alive(RepositoryReader)), repositories.length)
    const done = await carryOutPrune(world.run, plan, {
      reader: readersOf(plan, world.run.stores, undefined),
    })
    expect(done.repositories.map(({ status }) => status)).toEqual(repositories.map(() => 'pruned'))
    expect(readers).toBeLessThanOrEqual(4)
  })
})
