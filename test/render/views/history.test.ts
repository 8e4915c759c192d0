import { describe, expect, it } from 'vitest'
import type { HistoryRow, HistoryTag } from '../../../src/usecases/views/history/history.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { renderHistory } from '../../../src/render/views/history.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

const image = digestOf('an image')
const staging = { environment: 'staging', repository: { registry: 'r.test', path: 'staging/api' } }
const prod = { environment: 'prod', repository: { registry: 'r.test', path: 'prod/api' } }
const promoted: HistoryRow = {
  status: 'verified',
  image,
  time: '2026-03-04T05:06:07.000Z',
  from: staging,
  to: prod,
  tags: [
    { tag: '1.4.2', now: 'same' },
    { tag: 'latest', now: 'moved' },
  ],
  actor: 'ada',
  run: 'https://ci.test/runs/7',
  reason: 'release',
  ticket: 'OPS-7',
  attestation: digestOf('an attestation'),
}
const terminal = { style: plainStyle, width: 120 }
const pipe = { style: plainStyle, width: undefined }
const lines = (rows: readonly HistoryRow[], page: typeof terminal | typeof pipe, tagsNotRead = 0) =>
  renderHistory({ rows, tagsNotRead }, page).split('\n')

describe('a history', () => {
  it('has a line for each promotion on a terminal', () => {
    expect(lines([promoted], terminal)).toEqual(
      [
        'TIME (UTC)        STATUS    FROM -> TO       TAGS                    DIGEST               ACTOR  REASON',
        `2026-03-04 05:06  verified  staging -> prod  1.4.2, latest (moved)  ${image.slice(0, 19)}  ada    OPS-7: release`,
      ].map((line) => expect.stringMatching(pattern(line))),
    )
  })

  it('shows source and destination and no reason on a narrow terminal', () => {
    const [heading, line] = lines([promoted], { style: plainStyle, width: 80 })
    expect(heading).not.toContain('REASON')
    expect(line).toContain('staging -> prod')
    expect(line?.length).toBeLessThanOrEqual(80)
  })

  it('has complete digests, times and the URL of the run in a pipe', () => {
    const [, line = ''] = lines([promoted], pipe)
    expect(line).toContain(image)
    expect(line).toContain('2026-03-04T05:06:07.000Z')
    expect(line).toContain('https://ci.test/runs/7')
  })

  it('has the problem of an attestation below its line', () => {
    const bad: HistoryRow = { ...promoted, status: 'bad', why: 'the signature does not match the content' }
    expect(lines([bad], terminal).at(-1)).toMatch(
      /^bad: sha256:\w{12} the signature does not match the content$/,
    )
  })

  it('reports missing and unchecked attestations, and an empty history', () => {
    const missing: HistoryRow = { status: 'missing', image, to: prod, tags: [{ tag: '1', now: 'same' }] }
    const [, first, second, ...notes] = lines([{ ...promoted, status: 'unchecked' }, missing], terminal)
    expect(first).toContain('unchecked')
    expect(second).toMatch(/^- +missing +-> prod +1 /)
    expect(notes.join('\n')).toContain('1 signed attestation not verified. Pass --key to verify.')
    expect(notes.slice(-2)).toEqual([
      'missing: the environment has the image, but no attestation of its promotion.',
      'To write attestations, set "attest: true" for the environment in dray.yaml.',
    ])
    expect(lines([], terminal)).toEqual(['No attestation of a promotion was found.'])
  })

  it('has the number of tags that were not read, and marks tags whose state is unknown', () => {
    const row: HistoryRow = {
      ...promoted,
      tags: ['gone', 'unknown'].map((now) => ({ tag: '1', now }) as HistoryTag),
    }
    const [, line, unread] = lines([row], terminal, 3)
    expect(line).toContain('1 (deleted), 1 (unknown)')
    expect(unread).toBe('3 tags not read. Pass --all to read all tags.')
    expect(lines([], terminal, 1)).toEqual([
      'No attestation of a promotion was found.',
      '1 tag not read. Pass --all to read all tags.',
    ])
  })

  it('escapes control characters and line feeds of an attestation', () => {
    const evil = '\u001b[2J\n::set-env'
    const row: HistoryRow = {
      ...promoted,
      status: 'bad',
      why: evil,
      actor: evil,
      reason: evil,
      ticket: evil,
      run: evil,
      to: { repository: { registry: 'r.test', path: evil } },
    }
    for (const page of [terminal, pipe]) {
      expect(lines([row], page)).toHaveLength(3)
      expect(renderHistory({ rows: [row], tagsNotRead: 0 }, page)).not.toContain('\u001b')
    }
  })
})

/** A pattern for a line with any spacing. */
function pattern(line: string): RegExp {
  const words = line.split(/\s+/).map((word) => word.replaceAll(/[.()]/g, '\\$&'))
  return new RegExp(`^${words.join('\\s+')}$`)
}
