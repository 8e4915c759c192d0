import { appendFileSync, readdirSync, readFileSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { startOfChain } from '../../../src/audit/log/chain.ts'
import { OpenIntents } from '../../../src/audit/log/open-intents.ts'
import { withLock } from '../../../src/lib/files/lock.ts'
import { openLog, outcome, record, refusal, tagStep, waitingClock } from '../../support/audit-log.ts'
import { countFileCalls } from '../../support/count-file-calls.ts'
import { tempFolder } from '../../support/temp.ts'

describe('the settled position', () => {
  const step = (n: number) => tagStep(`s${n}`)
  const at = (seq: number) => ({ seq, prev: null })
  const end = { ...startOfChain, seq: 9, size: 900 }

  it('is before the first open intent, also if intents were noted twice', () => {
    const open = new OpenIntents()
    const note = (from: number): void => {
      for (let n = from; n < 4; n++) open.note({ ...record({ step: step(n) }), ...at(n + 1) }, n * 100)
    }
    note(0)
    expect(open.settled(end)).toEqual({ seq: 0, offset: 0 })
    note(2)
    open.note({ ...outcome({ step: step(0) }), ...at(5) }, 400)
    open.note({ ...outcome({ step: step(2) }), ...at(6) }, 500)
    expect(open.settled(end)).toEqual({ seq: 1, offset: 100 })
    open.note({ ...outcome({ step: step(1) }), ...at(7) }, 600)
    expect(open.settled(end)).toEqual({ seq: 3, offset: 300 })
    open.note({ ...outcome({ step: step(3) }), ...at(8) }, 700)
    expect(open.settled(end)).toEqual({ seq: 9, offset: 900 })
  })

  it('of a log that was forgotten is its end', () => {
    const open = new OpenIntents()
    open.note({ ...record(), ...at(1) }, 0)
    open.clear()
    expect(open.settled(end)).toEqual({ seq: 9, offset: 900 })
  })
})

describe('the open intents of a log', () => {
  let path: string
  beforeEach(async () => {
    path = join(await tempFolder(), 'audit.jsonl')
  })

  it('are read while another process holds the lock, if the head says that there are none', async () => {
    await openLog(path).write([record(), outcome(), refusal()])
    const never = new AbortController().signal
    await withLock(`${path}.lock`, { clock: waitingClock() }, never, async () => {
      expect(await openLog(path).openIntents()).toEqual([])
    })
  })

  it('need at most 4 calls of the file system with a path, if there are none', async () => {
    await openLog(path).write([record(), outcome()])
    const log = openLog(path)
    // The folder; the status of the log, the log itself, and its head.
    expect(await countFileCalls(() => log.openIntents())).toBe(4)
    expect(readdirSync(dirname(path)).toSorted()).toEqual([
      'audit.jsonl',
      'audit.jsonl.head',
      'audit.jsonl.runs',
    ])
  })

  it('are found if the head is older than the intent', async () => {
    await openLog(path).write([record(), outcome()])
    const head = readFileSync(`${path}.head`)
    await openLog(path).write([record({ run: 'run2' })])
    const [own] = await openLog(path).openIntents()
    expect(own?.record.run).toBe('run2')
    truncateSync(`${path}.head`)
    appendFileSync(`${path}.head`, head)
    const [behindHead] = await openLog(path).openIntents()
    expect(behindHead?.record.run).toBe('run2')
  })

  it.each([
    ['was cut', (size: number): number => size - 20],
    ['is empty', (): number => 0],
  ])('are an error if the log %s', async (_, sizeOf) => {
    await openLog(path).write([record(), outcome()])
    truncateSync(path, sizeOf(readFileSync(path).byteLength))
    await expect(openLog(path).openIntents()).rejects.toMatchObject({ code: 'audit' })
  })

  it('are an error if the last record was changed', async () => {
    await openLog(path).write([record(), outcome()])
    const text = readFileSync(path, 'utf8')
    truncateSync(path)
    appendFileSync(path, text.replace(/tester(?!.*tester)/s, 'forger'))
    await expect(openLog(path).openIntents()).rejects.toMatchObject({ code: 'audit' })
  })
})
