import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { leavesResumed, PruneState } from '../../../src/cli/prune/prune-state.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { unreadableFolders } from '../../audit/unreadable-folders.ts'
import { image, index } from '../../support/images.ts'
import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import { manifestVerdict, repositoryPlan } from '../../support/prune-plans.ts'
import { prunePlanOf } from '../../support/pruning.ts'
import { startPruneRegistry } from '../../support/prune-registry.ts'
import { tempFolder } from '../../support/temp.ts'

const { signal } = new AbortController()

describe('the plan of a run that was interrupted', () => {
  it('names what comes after another delete, by repository', async () => {
    const world = await startPruneRegistry()
    const both = index(['amd64'])
    const child = both.manifests.find(({ descriptor }) => descriptor.digest !== both.root.digest)
    const web = { ...world.repository, path: 'dev/web' }
    world.put(both, 'pr-1')
    await world.registry.oracle.push(image(), web.path, 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository, web])
    const state = new PruneState(join(await tempFolder(), 'audit.jsonl'), systemClock)
    await state.save('run', plan, signal)
    const runs = await state.interruptedRuns()
    expect(runs.in(world.repository)).toEqual([
      { digest: child?.descriptor.digest, of: [both.root.digest], tags: [] },
    ])
    expect(runs.in(web)).toEqual([])
    expect(runs.runsWithin([world.repository, web])).toEqual(['run'])
    expect(runs.runsWithin([world.repository])).toEqual([])
  })

  it('is saved whole or not at all', async () => {
    const world = await startPruneRegistry()
    const folder = await tempFolder()
    const state = new PruneState(join(folder, 'audit.jsonl'), systemClock)
    const plan = await prunePlanOf(world.run, [])
    await expect(state.save('run', plan, AbortSignal.abort(new Error('interrupted')))).rejects.toThrow(
      'interrupted',
    )
    expect(await readdir(join(folder, 'audit.jsonl.prunes'))).toEqual([])
  })
})

describe('a part of an image that an interrupted run deleted', () => {
  const part = manifestVerdict('pr-1', 'amd64', 'orphaned')
  const plan = repositoryPlan('@dev/api', [], { others: [part] })
  const outcome = (result: DeleteOutcome['result']): DeleteOutcome => ({
    step: 'p1',
    repository: plan.repository,
    result,
  })

  it.each<[DeleteOutcome['result'], boolean]>([
    ['done', false],
    ['unchanged', false],
    ['locked', true],
    ['kept', true],
  ])('that is %s keeps the plan of that run: %s', (result, isLeft) => {
    expect(leavesResumed(plan, [outcome(result)])).toBe(isLeft)
  })
})

describe('the plans of interrupted prunes', () => {
  it.each(unreadableFolders)('are an error if their folder %s', async (_, code, make) => {
    const log = join(await tempFolder(), 'audit.jsonl')
    await make(`${log}.prunes`)
    const error = { code: 'io', subject: `${log}.prunes`, why: expect.stringContaining(code) as string }
    await expect(new PruneState(log, systemClock).interruptedRuns()).rejects.toMatchObject(error)
  })

  it('are none if their folder does not exist', async () => {
    const log = join(await tempFolder(), 'audit.jsonl')
    const runs = await new PruneState(log, systemClock).interruptedRuns()
    expect(runs.runsWithin([])).toEqual([])
  })
})
