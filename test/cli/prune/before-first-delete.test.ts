import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { beforeFirstDelete } from '../../../src/cli/prune/before-first-delete.ts'
import { PruneState } from '../../../src/cli/prune/prune-state.ts'
import { ChainedLog } from '../../../src/audit/log/chained-log.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { prunePlanOf } from '../../support/pruning.ts'
import { startPruneRegistry } from '../../support/prune-registry.ts'
import { tempFolder } from '../../support/temp.ts'

describe('an error before the first delete', () => {
  it('says that nothing was deleted if the plan cannot be saved', async () => {
    const world = await startPruneRegistry()
    const log = join(await tempFolder(), 'audit.jsonl')
    await writeFile(`${log}.prunes`, '')
    const state = new PruneState(log, systemClock)
    const plan = await prunePlanOf(world.run, [])
    const saving = beforeFirstDelete('cannot save the plan', () =>
      state.save('run', plan, world.run.call.signal),
    )
    await expect(saving).rejects.toMatchObject({
      code: 'io',
      message: 'cannot save the plan; nothing was deleted',
      subject: expect.stringContaining('audit.jsonl.prunes') as string,
      why: expect.stringMatching(/EEXIST|ENOTDIR/) as string,
      hint: expect.stringContaining('Free disk space') as string,
    })
  })

  it('says so if the audit log cannot be written', async () => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'file'), '')
    await using log = new ChainedLog(join(folder, 'file', 'audit.jsonl'), {
      clock: systemClock,
      newId: () => 'id',
    })
    const opening = beforeFirstDelete('cannot write the audit log', () => log.openIntents())
    await expect(opening).rejects.toMatchObject({
      code: 'audit',
      message: 'cannot write the audit log; nothing was deleted',
      why: expect.stringContaining('ENOTDIR') as string,
    })
  })

  it('stays as it is if the disk is not the cause', async () => {
    const changed = new DrayError('audit', 'it was changed', { hint: 'Verify it.' })
    await expect(beforeFirstDelete('x', () => Promise.reject(changed))).rejects.toBe(changed)
    const folder = await tempFolder()
    await mkdir(join(folder, 'empty'))
    expect(await beforeFirstDelete('x', () => readdir(join(folder, 'empty')))).toEqual([])
  })
})
