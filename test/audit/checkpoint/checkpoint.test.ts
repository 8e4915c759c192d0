import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Checkpoint,
  compareCheckpoints,
  formatCheckpoint,
  makeCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../src/audit/checkpoint/checkpoint.ts'
import { linesOf } from '../../../src/audit/query/log-lines.ts'
import { noteSigner, parseVkey, verifierOf } from '../../../src/signing/note-keys.ts'
import { parseSigningKey } from '../../../src/signing/signing-keys.ts'
import { batches, chained, recordOf } from '../../support/log-lines.ts'
import { tempFolder } from '../../support/temp.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const signer = noteSigner('example.com/audit', parseSigningKey(pem, 'key.pem'))
const origin = 'example.com/audit'

const log = chained(Array.from({ length: 12 }, (_, i) => recordOf({ id: `r${i}` })))

function of(lines: readonly string[]): Promise<Checkpoint> {
  return makeCheckpoint(origin, batches(lines), 'the log')
}

async function finding(checkpoint: Checkpoint, lines: readonly string[]): Promise<unknown> {
  const [found] = await compareCheckpoints([checkpoint], batches(lines))
  return found
}

describe('a checkpoint', () => {
  it('is parsed from its signed text', async () => {
    const made = await of(log)
    const bytes = Buffer.from(signCheckpoint(made, signer))
    expect(openCheckpoint(bytes, [verifierOf(signer)], 'note')).toEqual(made)
    expect(made).toMatchObject({ origin, size: 12 })
  })

  it('of an empty log has size 0 and the hash of the empty string', async () => {
    const empty = await of([])
    expect(formatCheckpoint(empty)).toBe(`${origin}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`)
    expect(await finding(empty, log)).toMatchObject({ state: 'kept', lines: 12 })
  })

  it('reads the example of the specification', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
    const read = parseCheckpoint(text, 'note')
    expect(read).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 })
    expect(formatCheckpoint(read)).toBe(text)
    expect(parseCheckpoint(`${text}an extension\n`, 'note')).toEqual(read)
  })

  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
  it.each([
    ['no origin', `\n1\n${root}\n`],
    ['no root', 'log\n1\n'],
    ['a leading zero', `log\n01\n${root}\n`],
    ['a sign', `log\n+1\n${root}\n`],
    ['a size beyond all counting', `log\n9007199254740993\n${root}\n`],
    ['a short root', 'log\n1\nAAAA\n'],
    ['an empty extension line', `log\n1\n${root}\n\nx\n`],
  ])('is malformed with %s', (_name, text) => {
    expect(() => parseCheckpoint(text, 'note')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('is refused for a log with a broken chain', async () => {
    await expect(of(log.toSpliced(4, 1))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('line 5'),
    })
    await expect(of(log.toSpliced(4, 0, 'torn {'))).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('omits a torn record at the end', async () => {
    const whole = await of(log)
    expect(await makeCheckpoint(origin, batches(log, '{"seq":13,"pr'), 'the log')).toEqual(whole)
    expect(await of([...log, '{"seq":13,"pr'])).toEqual(whole)
  })

  it('is refused for an origin that does not fit on a line', async () => {
    const made = await of(log)
    for (const bad of ['', 'a\nb', 'a\u0000']) {
      expect(() => signCheckpoint({ ...made, origin: bad }, signer)).toThrow(
        expect.objectContaining({ code: 'config' }),
      )
    }
  })

  it('is refused if the key signed another text under the same name', async () => {
    const bytes = Buffer.from(signCheckpoint(await of(log), signer))
    const stranger = parseVkey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k', 'key')
    expect(() => openCheckpoint(bytes, [stranger], 'note')).toThrow(
      expect.objectContaining({ code: 'refused' }),
    )
  })
})

describe('a log that is compared with its checkpoint', () => {
  it('is kept if nothing changed or lines were added', async () => {
    for (const size of [0, 1, 5, 12]) {
      expect(await finding(await of(log.slice(0, size)), log)).toMatchObject({ state: 'kept', lines: 12 })
    }
  })

  it('is cut if lines are missing at its end, with their number', async () => {
    expect(await finding(await of(log), log.slice(0, 9))).toEqual({
      checkpoint: await of(log),
      state: 'cut',
      lines: 9,
      missing: 3,
    })
    expect(await finding(await of(log), [])).toMatchObject({ state: 'cut', missing: 12 })
  })

  it('is changed if it was rewritten with a valid chain, after the last matching checkpoint', async () => {
    const forged = chained(
      Array.from({ length: 12 }, (_, i) => recordOf({ id: i === 7 ? 'other' : `r${i}` })),
    )
    const checkpoints = await Promise.all([3, 6, 9, 12].map((size) => of(log.slice(0, size))))
    const found = await compareCheckpoints(checkpoints, batches(forged))
    expect(found.map(({ state }) => state)).toEqual(['kept', 'kept', 'changed', 'changed'])
    expect(found[2]).toMatchObject({ keptUpTo: 6, lines: 12 })
    expect(found[2]).not.toHaveProperty('brokenAt')
  })

  it('is never kept with a flipped bit or a line removed, inserted or swapped, and a broken chain names its first line', async () => {
    const checkpoint = await of(log)
    await fc.assert(
      fc.asyncProperty(fc.nat(10), fc.nat(4), fc.nat(), async (at, how, where) => {
        const line = log[at] ?? ''
        const next = log[at + 1] ?? ''
        const bytes = Buffer.from(line)
        const byte = where % bytes.byteLength
        bytes[byte] = (bytes[byte] ?? 0) ^ 1
        const edits = [
          // latin1 keeps the flipped byte. The lines of the test are ASCII.
          log.with(at, bytes.toString('latin1')),
          log.toSpliced(at, 1),
          log.toSpliced(at, 0, line),
          log.with(at, next).with(at + 1, line),
          log.toSpliced(at, 1, next),
        ]
        const found = (await compareCheckpoints([checkpoint], batches(edits[how] ?? [])))[0]
        expect(found?.state).toBe(how === 1 ? 'cut' : 'changed')
        const brokenAt = found !== undefined && 'brokenAt' in found ? (found.brokenAt ?? 0) : 0
        expect([at + 1, at + 2]).toContain(brokenAt)
      }),
      { numRuns: 60 },
    )
  })

  it('is read from its file', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    await writeFile(path, `${log.join('\n')}\n{"seq":13`)
    const read = (): ReturnType<typeof linesOf> => linesOf(path, new AbortController().signal)
    const made = await makeCheckpoint(origin, read(), path)
    expect(made).toEqual(await of(log))
    expect(await compareCheckpoints([made], read())).toMatchObject([{ state: 'kept', lines: 12 }])
    await expect(
      makeCheckpoint(origin, linesOf(`${path}.x`, new AbortController().signal), path),
    ).rejects.toMatchObject({ code: 'not-found' })
  })
})
