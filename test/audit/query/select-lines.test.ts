import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { readBackwards } from '../../../src/audit/query/read-backwards.ts'
import { type SelectOptions, selectLines } from '../../../src/audit/query/select-lines.ts'
import { outcome, record, tagStep } from '../../support/audit-log.ts'
import { writeLog, exampleRecords } from '../../support/log-files.ts'
import { tempFolder } from '../../support/temp.ts'

const never = new AbortController().signal
const all = (): boolean => true

let path: string
beforeEach(async () => {
  path = `${await tempFolder()}/audit.jsonl`
})

async function select(options: SelectOptions): Promise<{ lines: string[]; hasMore: boolean }> {
  await using selection = await selectLines(path, options, never)
  const lines: string[] = []
  for await (const batch of selection.batches) for (const { raw } of batch) lines.push(raw.toString())
  return { lines, hasMore: selection.hasMore }
}

describe('lines read backwards', () => {
  it('are the lines of the file, last line first, whatever their length and the size of reads', async () => {
    const length = fc.oneof(fc.nat(40), fc.integer({ min: 60_000, max: 140_000 }))
    await fc.assert(
      fc.asyncProperty(fc.array(length, { maxLength: 6 }), fc.nat(70_000), async (lengths, torn) => {
        const lines = lengths.map((size, i) => String(i).repeat(size))
        writeFileSync(path, lines.map((line) => `${line}\n`).join('') + 't'.repeat(torn))
        await using handle = await open(path)
        const found: string[] = []
        const { size } = await handle.stat()
        for await (const batch of readBackwards(handle, size)) {
          for (const { offset, raw } of batch) {
            const before = lines.slice(0, lines.length - found.length - 1)
            expect(offset).toBe(before.reduce((sum, line) => sum + line.length + 1, 0))
            found.push(raw.toString())
          }
        }
        expect(found.toReversed()).toEqual(lines)
      }),
      { numRuns: 60 },
    )
  })
})

describe('selected lines', () => {
  it('are all lines byte for byte without conditions', async () => {
    const lines = writeLog(path, exampleRecords(100))
    expect(await select({ matches: all })).toEqual({ lines, hasMore: false })
  })

  it('are the last matches, in the order of the log, and say whether there are more', async () => {
    const lines = writeLog(path, exampleRecords(60))
    const isOutcome = ({ phase }: { phase: string }): boolean => phase === 'outcome'
    const outcomes = lines.filter((line) => line.includes('"phase":"outcome"'))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), async (limit) => {
        const selected = await select({ matches: isOutcome, limit })
        expect(selected).toEqual({ lines: outcomes.slice(-limit), hasMore: limit < outcomes.length })
      }),
      { numRuns: 20 },
    )
  })

  it('omit intents with an outcome, and keep open ones', async () => {
    const [a, b] = [tagStep('a'), tagStep('b')]
    const lines = writeLog(path, [record({ step: a }), record({ step: b }), outcome({ step: a })])
    expect((await select({ matches: all, withoutSettled: true })).lines).toEqual([lines[1], lines[2]])
  })

  it.each(['{"seq":8,"pr', '\0\0\0\0', '\0\0\0\n'])('omit a torn record at the end: %j', async (torn) => {
    const lines = writeLog(path, exampleRecords())
    appendFileSync(path, torn)
    expect((await select({ matches: all })).lines).toEqual(lines)
    expect((await select({ matches: all, limit: 2 })).lines).toEqual(lines.slice(-2))
  })

  it.each([
    ['is no JSON', () => 'nonsense'],
    ['has no actor', (line: string) => line.replace('"actor"', '"acted"')],
    ['has a step that is not whole', (line: string) => line.replace('"target"', '"targets"')],
    [
      'has an actor who is no text',
      (line: string) => line.replace('"host":"here"', '"host":"here","says":{}'),
    ],
  ])('are an error if a line in the middle %s, from either end', async (_, spoil) => {
    const lines = writeLog(path, exampleRecords())
    writeFileSync(path, lines.map((line, i) => `${i === 2 ? spoil(line) : line}\n`).join(''))
    const error = { code: 'malformed', subject: path }
    await expect(select({ matches: all })).rejects.toMatchObject(error)
    await expect(select({ matches: all, limit: 50 })).rejects.toMatchObject(error)
    // Lines that are not read are not checked.
    expect((await select({ matches: all, limit: 2 })).lines).toEqual(lines.slice(-2))
  })

  it('are none of an empty log', async () => {
    writeFileSync(path, '')
    expect(await select({ matches: all, limit: 5 })).toEqual({ lines: [], hasMore: false })
    expect(readFileSync(path)).toHaveLength(0)
  })

  it('end with the signal', async () => {
    writeLog(path, exampleRecords())
    const gone = AbortSignal.abort(new Error('enough'))
    await expect(selectLines(path, { matches: all, limit: 1 }, gone)).rejects.toThrow('enough')
  })
})
