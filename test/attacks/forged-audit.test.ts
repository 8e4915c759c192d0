import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { advance, formatLine, startOfChain } from '../../src/audit/log/chain.ts'
import {
  type Checkpoint,
  compareCheckpoints,
  makeCheckpoint,
  openCheckpoint,
  signCheckpoint,
} from '../../src/audit/checkpoint/checkpoint.ts'
import { formatHead } from '../../src/audit/log/head.ts'
import { mergeLogs, surveyLogs } from '../../src/audit/merge/merge.ts'
import { noteSigner, verifierOf } from '../../src/signing/note-keys.ts'
import { formatNote, parseNote } from '../../src/signing/signed-note.ts'
import { verifyLog } from '../../src/audit/verify/verify-log.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { newKeys } from '../support/attestations.ts'
import { record, waitingClock } from '../support/audit-log.ts'
import { batches, chained, recordOf } from '../support/log-lines.ts'
import { writeKeys, writeLog, exampleRecords } from '../support/log-files.ts'
import { tempFolder } from '../support/temp.ts'
import { warmWorkplace } from '../support/workplace.ts'

const log = chained(Array.from({ length: 8 }, (_, i) => recordOf({ id: `r${i}`, run: `run-${i}` })))
const [, second = '', third = '', fourth = ''] = log
const rehashed = (lines: readonly string[]) =>
  chained(
    lines.map((line) => {
      const { seq: _seq, prev: _prev, ...rest } = JSON.parse(line) as Record<string, unknown>
      return rest as unknown as ReturnType<typeof recordOf>
    }),
  )
const edited = (line: string) => line.replace('ann', 'eve')

/** Edits by an attacker who can write to the log. */
const edits: Readonly<Record<string, readonly string[]>> = {
  'a line edited': log.with(2, edited(third)),
  'a line edited and all after it chained anew': rehashed(log.with(2, edited(third))),
  'a line removed': log.toSpliced(2, 1),
  'a line removed and all after it chained anew': rehashed(log.toSpliced(2, 1)),
  'the first line removed': log.slice(1),
  'a line inserted': log.toSpliced(2, 0, edited(second)),
  'a line repeated': log.toSpliced(2, 0, second),
  'a line repeated at the end': [...log, log.at(-1) ?? ''],
  'two lines in the other order': log.with(2, fourth).with(3, third),
  'two lines in the other order, chained anew': rehashed(log.with(2, fourth).with(3, third)),
  'all lines in the other order, chained anew': rehashed(log.toReversed()),
  'its end cut off': log.slice(0, 6),
  'its end replaced': [...log.slice(0, 6), ...rehashed([...log.slice(0, 6), edited(third), fourth]).slice(6)],
  'nothing left': [],
  'a line of spaces': log.toSpliced(2, 0, ' '),
  'an empty line': log.toSpliced(2, 0, ''),
  'a key twice in a line': log.with(2, third.replace('{', '{"seq":3,')),
  'other spaces in a line': log.with(2, third.replace('{', '{ ')),
  'a carriage return': log.with(2, `${third}\r`),
}

function headOf(lines: readonly string[]): string {
  const end = lines.reduce((position, line) => advance(position, Buffer.from(line)), startOfChain)
  return formatHead({ ...end, settled: { seq: 0, offset: 0 } })
}

const keys = newKeys('ed25519')
const strangers = newKeys('ed25519')
const signer = noteSigner('ci/audit', keys.signing)
const stranger = noteSigner('ci/audit', strangers.signing)
const verifiers = [verifierOf(signer)]

function checkpointOf(lines: readonly string[], origin = 'ci/audit'): Promise<Checkpoint> {
  return makeCheckpoint(origin, batches(lines), 'the log')
}

/** A checkpoint does not cover later lines. */
function isPrefix(lines: readonly string[]): boolean {
  return log.every((line, i) => lines[i] === line)
}

async function isKept(
  lines: readonly string[],
  ...checkpoints: readonly Checkpoint[]
): Promise<readonly string[]> {
  return (await compareCheckpoints(checkpoints, batches(lines))).map(({ state }) => state)
}

describe('a log with', () => {
  it.each(Object.entries(edits))('%s does not match its head', async (_, lines) => {
    const path = join(await tempFolder(), 'audit.jsonl')
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
    writeFileSync(`${path}.head`, headOf(log))
    const report = await verifyLog(path, { clock: waitingClock() }, new AbortController().signal)
    expect(report.problem).toBeDefined()
  })

  it.each(Object.entries(edits).filter(([, lines]) => !isPrefix(lines)))(
    '%s does not match its checkpoint, whatever its head is',
    async (_, lines) => {
      expect(await isKept(lines, await checkpointOf(log))).not.toEqual(['kept'])
    },
  )

  it('a cut end and a matching head matches an older checkpoint, and not the newest', async () => {
    const cut = log.slice(0, 6)
    const checkpoints = await Promise.all([checkpointOf(log.slice(0, 5)), checkpointOf(log)])
    expect(await isKept(cut, ...checkpoints)).toEqual(['kept', 'cut'])
  })

  it('a forged head is found by dray audit verify with a checkpoint', async () => {
    const at = await warmWorkplace('version: 1\n')
    writeKeys(at.folder)
    writeLog(at.auditFile, exampleRecords())
    await at.run('audit', 'checkpoint', '--sign-key', 'audit.pem', '--name', 'ci/audit', '--out', 'c.txt')
    writeLog(at.auditFile, exampleRecords().with(2, record({ id: 'forged' })))
    const verify = ['audit', 'verify', '--checkpoint', 'c.txt', '--key', 'audit.pub.pem'] as const
    expect((await at.run(...verify)).code).toBe(1)
    // This is a checkpoint of the forged log by an unknown key.
    const genuine = readFileSync(join(at.folder, 'audit.pub.pem'))
    writeKeys(at.folder)
    await at.run('audit', 'checkpoint', '--sign-key', 'audit.pem', '--name', 'ci/audit', '--out', 'c.txt')
    writeFileSync(join(at.folder, 'audit.pub.pem'), genuine)
    expect((await at.run(...verify)).code).toBe(3)
  })
})

describe('a checkpoint', () => {
  const open = (text: string) => openCheckpoint(Buffer.from(text), verifiers, 'the checkpoint')

  it('is accepted if it is genuine, also with further signatures by unknown keys', async () => {
    const checkpoint = await checkpointOf(log)
    const note = parseNote(Buffer.from(signCheckpoint(checkpoint, signer)), 'it')
    const foreign = parseNote(Buffer.from(signCheckpoint(checkpoint, stranger)), 'it')
    expect(open(formatNote({ ...note, signatures: [...foreign.signatures, ...note.signatures] }))).toEqual(
      checkpoint,
    )
  })

  it.each<[string, () => Promise<string>]>([
    ['by another key of the same name', async () => signCheckpoint(await checkpointOf(log), stranger)],
    [
      'by another key under the id of the known key',
      async () => {
        const { text, signatures } = parseNote(
          Buffer.from(signCheckpoint(await checkpointOf(log), stranger)),
          'it',
        )
        return formatNote({ text, signatures: signatures.map((one) => ({ ...one, id: signer.id })) })
      },
    ],
    [
      'by the known key under another name',
      async () => {
        const { text, signatures } = parseNote(
          Buffer.from(signCheckpoint(await checkpointOf(log), signer)),
          'it',
        )
        return formatNote({ text, signatures: signatures.map((one) => ({ ...one, name: 'ci/other' })) })
      },
    ],
    [
      'with the signature of an older one',
      async () => {
        const older = parseNote(
          Buffer.from(signCheckpoint(await checkpointOf(log.slice(0, 5)), signer)),
          'it',
        )
        const newer = parseNote(Buffer.from(signCheckpoint(await checkpointOf(log), signer)), 'it')
        return formatNote({ text: newer.text, signatures: older.signatures })
      },
    ],
    [
      'with a genuine and a wrong signature',
      async () => {
        const note = parseNote(Buffer.from(signCheckpoint(await checkpointOf(log), signer)), 'it')
        const older = parseNote(
          Buffer.from(signCheckpoint(await checkpointOf(log.slice(0, 5)), signer)),
          'it',
        )
        return formatNote({ ...note, signatures: [...note.signatures, ...older.signatures] })
      },
    ],
    [
      'with another size',
      async () => signCheckpoint(await checkpointOf(log), signer).replace('\n8\n', '\n5\n'),
    ],
    [
      'with another origin',
      async () => signCheckpoint(await checkpointOf(log), signer).replace('ci/audit\n', 'ci/other\n'),
    ],
    [
      'with a text in front of it',
      async () =>
        `ci/audit\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n${signCheckpoint(await checkpointOf(log), signer)}`,
    ],
    [
      'without a signature',
      async () => signCheckpoint(await checkpointOf(log), signer).replace(/\n\u2014.*\n/, '\n'),
    ],
  ])('is refused %s', async (_, forge) => {
    const text = await forge()
    expect(() => open(text)).toThrow(/the checkpoint/)
  })
})

describe('logs that are merged', () => {
  const of = (name: string, lines: readonly string[]) => ({ name, lines: () => batches(lines) })
  const merged = async (...sources: readonly ReturnType<typeof of>[]) => {
    const lines: string[] = []
    for await (const { line } of mergeLogs(await surveyLogs(sources))) lines.push(line.toString())
    return lines
  }

  it('with the same numbers keep the records of both', async () => {
    const other = chained(Array.from({ length: 8 }, (_, i) => recordOf({ id: `o${i}`, run: `other-${i}` })))
    expect(await merged(of('a', log), of('b', other))).toHaveLength(16)
  })

  it('cannot replace a record by a forged one of the same id', async () => {
    await expect(merged(of('a', log), of('b', rehashed([edited(third)])))).rejects.toMatchObject({
      code: 'corrupt',
    })
  })

  it('cannot attribute a record to a log that does not contain it', async () => {
    const origin = { log: 'a', head: digestOf('x'), seq: 3, prev: digestOf('y') }
    const claimed = { ...recordOf({ id: 'r2', run: 'run-2', reason: 'forged' }), origin }
    const forged = [formatLine(claimed, startOfChain)]
    await expect(merged(of('a', log), of('b', forged))).rejects.toMatchObject({ code: 'corrupt' })
  })
})
