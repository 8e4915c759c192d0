import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  chainComplaints,
  entriesOf,
  linesOf,
  openLog,
  outcome,
  record,
  refusal,
} from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = `${await tempFolder()}/state/dray`
  path = `${folder}/audit.jsonl`
})

/** A log of two records. */
async function twoRecords(): Promise<void> {
  const log = openLog(path)
  await log.write([refusal()])
  await log.write([refusal()])
  await log.close()
}
const bytesOf = (name: string): Buffer | undefined => (existsSync(name) ? readFileSync(name) : undefined)
const ids = (): string[] => entriesOf(path).map(({ id }) => id)

describe('a log', () => {
  it('begins with its first record, readable only for its owner, in folders that it creates', async () => {
    await openLog(path).write([record()])
    expect(linesOf(path)[0]).toMatch(/^\{"seq":1,"prev":null,"time":"[^"]+","run":"run1","phase":"intent",/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(`${path}.head`).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('has the number and hash of the line before in each line', async () => {
    const log = openLog(path)
    await log.write([record({ image: 'größe:1 "\n' }), outcome()])
    await log.write([record(), outcome()])
    expect(chainComplaints(path)).toEqual([])
    expect(entriesOf(path).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  })

  it('writes records that arrive during a sync together, in order', async () => {
    const log = openLog(path)
    const records = Array.from({ length: 50 }, () => record())
    await Promise.all(records.map((one) => log.write([one])))
    expect(ids()).toEqual(records.map(({ id }) => id))
    expect(chainComplaints(path)).toEqual([])
  })

  it('is one chain for two alternating writers', async () => {
    const [one, other] = [openLog(path), openLog(path)]
    for (let turn = 0; turn < 5; turn++) {
      await one.write([record()])
      await other.write([record(), record()])
    }
    expect(chainComplaints(path)).toEqual([])
    expect(ids()).toHaveLength(15)
  })

  it('leaves only its head beside it, and no heartbeat after it is closed', async () => {
    const log = openLog(path)
    await log.write([record()])
    expect(existsSync(`${path}.runs/run1`)).toBe(true)
    await log.close()
    expect(existsSync(`${path}.runs/run1`)).toBe(false)
    expect(existsSync(`${path}.lock`)).toBe(false)
    expect(existsSync(`${path}.torn`)).toBe(false)
  })

  it('refuses a record that is too long, and accepts the next', async () => {
    const log = openLog(path)
    await expect(log.write([record({ image: 'x'.repeat(600_000) })])).rejects.toMatchObject({ code: 'audit' })
    await log.write([record()])
    expect(chainComplaints(path)).toEqual([])
  })

  it('cannot be written if its path is a folder', async () => {
    mkdirSync(path, { recursive: true })
    await expect(openLog(path).write([record()])).rejects.toMatchObject({
      code: 'audit',
      subject: path,
      hint: expect.stringContaining('--audit-file') as string,
    })
  })

  it('accepts records after a failed write', async () => {
    mkdirSync(path, { recursive: true })
    const log = openLog(path)
    const both = await Promise.allSettled([log.write([record()]), log.write([record()])])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    rmSync(path, { recursive: true })
    await log.write([record()])
    expect(ids()).toHaveLength(1)
  })
})

describe('a log with a head', () => {
  it.each([
    ['missing', () => rmSync(`${path}.head`)],
    ['empty', () => writeFileSync(`${path}.head`, '')],
    ['of zero bytes', () => writeFileSync(`${path}.head`, Buffer.alloc(300))],
    ['cut', () => truncateSync(`${path}.head`, 100)],
    [
      'damaged in its hash',
      () =>
        writeFileSync(
          `${path}.head`,
          readFileSync(`${path}.head`, 'utf8').replace(/:[0-9a-f]{8}/, ':00000000'),
        ),
    ],
  ])('is continued if the head is %s', async (_, change) => {
    await twoRecords()
    const head = readFileSync(`${path}.head`, 'utf8')
    change()
    await openLog(path).write([refusal()])
    expect(chainComplaints(path)).toEqual([])
    expect(ids()).toHaveLength(3)
    expect(Object.keys(JSON.parse(readFileSync(`${path}.head`, 'utf8')) as object)).toEqual(
      Object.keys(JSON.parse(head) as object),
    )
  })

  it('is continued if the head is of an earlier record', async () => {
    await openLog(path).write([record()])
    const head = readFileSync(`${path}.head`)
    await openLog(path).write([outcome()])
    writeFileSync(`${path}.head`, head)
    await openLog(path).write([record()])
    expect(chainComplaints(path)).toEqual([])
    expect(JSON.parse(readFileSync(`${path}.head`, 'utf8'))).toMatchObject({ seq: 3, settled: { seq: 2 } })
  })

  it.each([
    ['cut at a line', () => truncateSync(path, Buffer.byteLength(`${linesOf(path)[0]}\n`)), 'cut'],
    ['cut in a line', () => truncateSync(path, statSync(path).size - 3), 'cut'],
    ['emptied', () => truncateSync(path, 0), 'empty'],
    ['taken away', () => renameSync(path, `${path}.away`), 'it is missing'],
    [
      'changed in its last line',
      () => writeFileSync(path, readFileSync(path, 'utf8').replace(/tester(?!.*tester)/s, 'nobody')),
      'changed',
    ],
    [
      'gone on with by another program',
      () => appendFileSync(path, '{"seq":3,"prev":null,"phase":"outcome"}\n'),
      'chain',
    ],
    ['followed by lines that are no records', () => appendFileSync(path, 'one\ntwo\n'), 'not a record'],
  ])('is refused if it was %s', async (_, change, message) => {
    await twoRecords()
    change()
    const before = bytesOf(path)
    const written = openLog(path).write([record()])
    await expect(written).rejects.toMatchObject({
      code: 'audit',
      subject: path,
      message: expect.stringContaining(message) as string,
    })
    await expect(openLog(path).openIntents()).rejects.toMatchObject({ code: 'audit' })
    expect(bytesOf(path)).toEqual(before)
  })

  it('begins again if log and head were moved away', async () => {
    await twoRecords()
    for (const name of [path, `${path}.head`]) renameSync(name, `${name}.old`)
    await openLog(path).write([record()])
    expect(chainComplaints(path)).toEqual([])
    expect(ids()).toHaveLength(1)
  })
})

describe('a torn end', () => {
  it.each(['{', '{"seq":3,"pre', '\u0000\u0000\u0000', '{"seq":3,\u0000\u0000'])(
    'such as %j is recorded and kept apart from the next line',
    async (torn) => {
      await twoRecords()
      appendFileSync(path, torn)
      const next = record()
      await openLog(path).write([next])
      expect(chainComplaints(path)).toEqual([])
      const [, , recovered, written] = entriesOf(path)
      expect(recovered).toMatchObject({
        phase: 'recovered',
        seq: 3,
        torn: Buffer.from(torn).toString('base64'),
      })
      expect(written).toMatchObject({ id: next.id, seq: 4 })
      expect(existsSync(`${path}.torn`)).toBe(false)
    },
  )

  it('is recorded in a log with nothing else', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path, '{"seq":1,')
    await openLog(path).write([record()])
    expect(chainComplaints(path)).toEqual([])
    expect(entriesOf(path).map(({ phase }) => phase)).toEqual(['recovered', 'intent'])
  })

  it('is recorded once, wherever the recovery was interrupted', async () => {
    await twoRecords()
    const before = readFileSync(path)
    const head = readFileSync(`${path}.head`)
    const torn = '{"seq":3,"pre'
    appendFileSync(path, torn)
    await openLog(path).write([record()])
    const recovered = `${linesOf(path)[2]}\n`
    const kept = JSON.stringify({ offset: before.byteLength, torn: Buffer.from(torn).toString('base64') })
    for (const left of [
      torn,
      '',
      ...[1, 40, recovered.length - 1].map((n) => recovered.slice(0, n)),
      recovered,
      `${recovered}{"se`,
    ]) {
      writeFileSync(path, Buffer.concat([before, Buffer.from(left)]))
      writeFileSync(`${path}.head`, head)
      writeFileSync(`${path}.torn`, kept)
      await openLog(path).write([record()])
      expect(chainComplaints(path)).toEqual([])
      const asides = entriesOf(path).flatMap((one) => (one.phase === 'recovered' ? [atob(one.torn)] : []))
      expect(asides, left).toEqual(left.endsWith('{"se') ? [torn, '{"se'] : [torn])
      expect(existsSync(`${path}.torn`)).toBe(false)
    }
  })
})
