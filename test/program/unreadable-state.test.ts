import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isAlive, startHeartbeat, removeDeadHeartbeats } from '../../src/audit/log/heartbeat.ts'
import { PruneState } from '../../src/cli/prune/prune-state.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ifThere } from '../../src/lib/files/io-error.ts'
import { openLog } from '../support/audit-log.ts'
import { tempFolder } from '../support/temp.ts'

const isRoot = process.geteuid?.() === 0

/** What can be at the place of a folder that dray reads, other than nothing. */
const unreadable: readonly (readonly [why: string, code: string, put: (path: string) => Promise<void>])[] = [
  ['is a file', 'ENOTDIR', (path) => writeFile(path, '')],
  ['is a loop of symbolic links', 'ELOOP', (path) => symlink(path, path)],
  ...(isRoot ? [] : [closedFolder()]),
]

/** Root may read everything: not among the cases if the tests run as root. */
function closedFolder(): (typeof unreadable)[number] {
  const put = async (path: string): Promise<void> => {
    await mkdir(path)
    await chmod(path, 0)
  }
  return ['is closed to this user', 'EACCES', put]
}

async function newLog(): Promise<string> {
  return join(await tempFolder(), 'audit.jsonl')
}

describe('saved state that cannot be read is not taken for none', () => {
  it.each(unreadable)('the plans of earlier prunes: the folder %s', async (_, code, put) => {
    const log = await newLog()
    await put(`${log}.prunes`)
    const error = { code: 'io', subject: `${log}.prunes`, why: expect.stringContaining(code) as string }
    await expect(new PruneState(log, systemClock).interruptedRuns()).rejects.toMatchObject(error)
  })

  it.each(unreadable)('the signs of life of other runs: the folder %s', async (_, code, put) => {
    const log = await newLog()
    await put(`${log}.runs`)
    const error = { code: 'io', why: expect.stringContaining(code) as string }
    await expect(isAlive(log, 'run', systemClock)).rejects.toMatchObject(error)
  })

  it('a sign of life that cannot be read', async () => {
    const log = await newLog()
    await mkdir(`${log}.runs`)
    await symlink('run', join(`${log}.runs`, 'run'))
    await expect(isAlive(log, 'run', systemClock)).rejects.toMatchObject({ code: 'io' })
  })

  it.each(unreadable)('the intents of earlier runs: the folder of the log %s', async (_, code, put) => {
    const folder = join(await tempFolder(), 'state')
    await put(folder)
    const error = { code: 'audit', why: expect.stringContaining(code) as string }
    await expect(openLog(join(folder, 'audit.jsonl')).openIntents()).rejects.toMatchObject(error)
  })

  it('a folder of signs that is closed to this user is not swept as if it were empty (skipped for root)', async ({
    skip,
  }) => {
    if (isRoot) skip('root reads every folder')
    const log = await newLog()
    await mkdir(`${log}.runs`)
    await chmod(`${log}.runs`, 0)
    await expect(removeDeadHeartbeats(log, systemClock)).rejects.toMatchObject({ code: 'io' })
  })
})

describe('state that is not there is none', () => {
  it('no plans, no living runs, nothing to sweep', async () => {
    const log = await newLog()
    const left = await new PruneState(log, systemClock).interruptedRuns()
    expect(left.runsWithin([])).toEqual([])
    expect(await isAlive(log, 'run', systemClock)).toBe(false)
    await removeDeadHeartbeats(log, systemClock)
  })

  it('a run that shows life is alive, and another is not', async () => {
    const log = await newLog()
    const sign = await startHeartbeat(log, 'run', systemClock)
    expect(await isAlive(log, 'run', systemClock)).toBe(true)
    expect(await isAlive(log, 'other', systemClock)).toBe(false)
    await sign.end()
  })
})

describe('what is read if it is there', () => {
  const failing = (code: string): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }))

  it('is absent for ENOENT', async () => {
    expect(await ifThere(failing('ENOENT'), '/state')).toBeUndefined()
  })

  it.each(['EACCES', 'EIO', 'ENOTDIR', 'ELOOP', 'EMFILE', 'ESTALE'])('is an error for %s', async (code) => {
    await expect(ifThere(failing(code), '/state', 'Look.')).rejects.toMatchObject({
      code: 'io',
      message: 'cannot read /state',
      why: code,
      hint: 'Look.',
    })
  })
})
