import { describe, expect, it } from 'vitest'
import { image } from '../../support/images.ts'
import { interleavedRuns } from '../../support/interleaved-runs.ts'
import { world } from '../../support/world.ts'

const stable = { tag: ['stable'] }

/** A promotion with `--verify` whose tag is moved before it is read back. */
async function movedBeforeVerify(move: 'run' | 'somebody') {
  const registries = await world().image('api:b1').image('api:b2').start()
  const { oracle } = registries.staging
  const runs = await interleavedRuns(registries)
  const run = await runs.promotion('api:b1', { ...stable, verify: true })
  run.onVerify = async () =>
    move === 'run'
      ? await (await runs.promotion('api:b2', stable)).end()
      : await oracle.push(image({ label: 'theirs' }), 'prod/api', 'stable')
  return { run, registries, digest: () => oracle.digest('prod/api', 'stable') }
}

describe('--verify of a tag that was moved after the run wrote it', () => {
  it('succeeds and names the run of the same audit log that moved it on', async () => {
    const { run, registries, digest } = await movedBeforeVerify('run')
    const { exitCode, document, warnings } = await run.end()
    expect(exitCode).toBe(0)
    expect(document).toMatchObject({ verified: true, images: [{ status: 'promoted' }] })
    expect(warnings).toEqual([expect.stringContaining('made that change: promote of api:b2')])
    expect(await digest()).toBe(registries.content('api:b2').root.digest)
  })

  it('is a conflict if the audit log has no record of the move', async () => {
    const { run, digest } = await movedBeforeVerify('somebody')
    await expect(run.end()).rejects.toMatchObject({
      code: 'conflict',
      why: expect.stringContaining('The audit log has no record of that change.'),
    })
    expect(await digest()).toBe(image({ label: 'theirs' }).root.digest)
  })
})
