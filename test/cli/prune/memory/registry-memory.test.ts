import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RegistryMemory } from '../../../../src/cli/prune/memory/registry-memory.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { DeleteOutcome } from '../../../../src/plan/prune/prune-outcome.ts'
import { manifestStep, untagStep } from '../../../support/delete-steps.ts'
import { repositoryPlan } from '../../../support/prune-plans.ts'
import { tempFolder } from '../../../support/temp.ts'

const { repository } = manifestStep()
const target = (name: string) => ({ ...manifestStep().target, digest: digestOf(name) })
const [a, b] = [
  manifestStep({ id: 'a', target: target('a') }),
  manifestStep({ id: 'b', target: target('b') }),
]
const tag = untagStep({ id: 't', tag: 'pr-7' })
const plan = repositoryPlan('@dev/api', [], { repository, steps: [a, b, tag] })
const newLog = async () => join(await tempFolder(), 'audit.jsonl')

async function ended(log: string, results: Readonly<Record<string, Partial<DeleteOutcome>>>): Promise<void> {
  const memory = await RegistryMemory.read(log)
  const outcomes = Object.entries(results).map(([step, one]): DeleteOutcome => ({
    step,
    repository,
    result: 'done',
    ...one,
  }))
  memory.note(plan, outcomes)
  await memory.save()
}

async function locked(log: string): Promise<readonly string[]> {
  const memory = await RegistryMemory.read(log)
  return [a, b, tag].filter((step) => memory.isLocked(step)).map(({ id }) => id)
}

describe('the memory of a registry', () => {
  it('names the locked items of the last run that attempted them', async () => {
    const log = await newLog()
    await ended(log, { a: { result: 'locked' }, b: {}, t: { result: 'locked' } })
    expect(await locked(log)).toEqual(['a', 't'])
    await ended(log, { a: { result: 'unchanged' }, b: {}, t: { result: 'notAttempted' } })
    expect(await locked(log)).toEqual(['t'])
    await ended(log, { t: {} })
    expect(await locked(log)).toEqual([])
  })

  it('names the item whose refusal ended the deletes, but not the others', async () => {
    const log = await newLog()
    await ended(log, { b: { result: 'refused' }, a: { result: 'refused' } })
    expect(await locked(log)).toEqual(['b'])
  })

  it('names the registries whose losses another change notes', async () => {
    const log = await newLog()
    const memory = await RegistryMemory.read(log)
    memory.noteLosses([repository.registry])
    await memory.save()
    expect([...(await RegistryMemory.read(log)).neverUntag]).toEqual([repository.registry])
  })

  it('is of each repository', async () => {
    const log = await newLog()
    await ended(log, { a: { result: 'locked' } })
    const memory = await RegistryMemory.read(log)
    expect(memory.isLocked({ ...a, repository: { ...repository, path: 'dev/web' } })).toBe(false)
  })

  it('names registries that deleted an image with its tag', async () => {
    const log = await newLog()
    await ended(log, { t: { losesTags: ['pr-7', 'prod'] } })
    expect([...(await RegistryMemory.read(log)).neverUntag]).toEqual([repository.registry])
    await ended(log, { a: {} })
    expect([...(await RegistryMemory.read(log)).neverUntag]).toEqual([repository.registry])
  })

  it('keeps what another run has written since', async () => {
    const log = await newLog()
    const other = { ...plan, repository: { ...repository, path: 'dev/web' } }
    const [first, second] = [await RegistryMemory.read(log), await RegistryMemory.read(log)]
    first.note(plan, [{ step: 'a', repository, result: 'locked' }])
    second.note(other, [{ step: 'a', repository, result: 'locked' }])
    await first.save()
    await second.save()
    expect(await locked(log)).toEqual(['a'])
  })

  it('is not written if nothing is locked', async () => {
    const log = await newLog()
    await ended(log, { a: {} })
    expect(await readdir(join(log, '..'))).toEqual([])
  })

  it.each(['', '{}', '{"schema":"dray.prune-memory/1","locked":3,"neverUntag":{}}', 'x'.repeat(100)])(
    'is empty if its file is damaged: %j',
    async (text) => {
      const log = await newLog()
      await ended(log, { a: { result: 'locked' } })
      await writeFile(`${log}.prunes/registries`, text)
      expect(await locked(log)).toEqual([])
    },
  )
})
