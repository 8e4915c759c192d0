import { chmod, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isAlive, removeDeadHeartbeats, startHeartbeat } from '../../../src/audit/log/heartbeat.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openLog, record, tagStep, waitingClock } from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'
import { isRoot, unreadableFolders } from '../unreadable-folders.ts'

async function newLog(): Promise<string> {
  return join(await tempFolder(), 'audit.jsonl')
}

describe('state that cannot be read is an error', () => {
  it.each(unreadableFolders)('if the folder of heartbeats %s', async (_, code, make) => {
    const log = await newLog()
    await make(`${log}.runs`)
    const error = { code: 'io', why: expect.stringContaining(code) as string }
    await expect(isAlive(log, 'run', systemClock)).rejects.toMatchObject(error)
  })

  it('if a heartbeat is a loop of symbolic links', async () => {
    const log = await newLog()
    await mkdir(`${log}.runs`)
    await symlink('run', join(`${log}.runs`, 'run'))
    await expect(isAlive(log, 'run', systemClock)).rejects.toMatchObject({ code: 'io' })
  })

  it.each(unreadableFolders)('if the folder of the log %s', async (_, code, make) => {
    const folder = join(await tempFolder(), 'state')
    await make(folder)
    const error = { code: 'audit', why: expect.stringContaining(code) as string }
    await expect(openLog(join(folder, 'audit.jsonl')).openIntents()).rejects.toMatchObject(error)
  })

  it.skipIf(isRoot)('if dead heartbeats are removed from a closed folder (skipped for root)', async () => {
    const log = await newLog()
    await mkdir(`${log}.runs`)
    await chmod(`${log}.runs`, 0)
    await expect(removeDeadHeartbeats(log, systemClock)).rejects.toMatchObject({ code: 'io' })
  })
})

describe('a run', () => {
  it('is not alive without a folder of heartbeats, from which nothing is removed', async () => {
    const log = await newLog()
    expect(await isAlive(log, 'run', systemClock)).toBe(false)
    await removeDeadHeartbeats(log, systemClock)
  })

  it('is alive if it has a heartbeat', async () => {
    const log = await newLog()
    const heartbeat = await startHeartbeat(log, 'run', systemClock)
    expect(await isAlive(log, 'run', systemClock)).toBe(true)
    expect(await isAlive(log, 'other', systemClock)).toBe(false)
    await heartbeat.end()
  })

  it('is alive from its next intent on, if another run took it for dead while it was suspended', async () => {
    const path = await newLog()
    const clock = waitingClock()
    await using log = openLog(path, clock)
    await log.write([record({ step: tagStep('one') })])
    clock.turn(20_000)
    await removeDeadHeartbeats(path, clock)
    expect(await isAlive(path, 'run1', clock)).toBe(false)
    await log.write([record({ step: tagStep('two') })])
    expect(await isAlive(path, 'run1', clock)).toBe(true)
  })
})
