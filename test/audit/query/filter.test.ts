import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LogFilter, matcher, parseMoment } from '../../../src/audit/query/filter.ts'
import type { RecoveredTail } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { recordOf } from '../../support/log-lines.ts'
import { deletedDigest, manifestStep, untagStep } from '../../support/delete-steps.ts'

const now = Date.parse('2026-03-04T12:00:00.000Z')
const record = recordOf({
  actor: { user: 'runner', host: 'h', ci: { service: 'github', user: 'octocat' }, says: 'Ann' },
})
const tail: RecoveredTail = {
  schema: 'dray.audit/1',
  id: 't',
  run: 'r',
  time: record.time,
  phase: 'recovered',
  torn: 'e30=',
}

describe('a filter', () => {
  it('without conditions matches everything', () => {
    expect([record, recordOf({ phase: 'intent' }), tail].map(matcher({}))).toEqual([true, true, true])
  })

  it.each<[LogFilter, boolean]>([
    [{ image: ['api:1.4.2'] }, true],
    [{ image: ['api'] }, true],
    [{ image: ['ap'] }, false],
    [{ image: ['web', 'api'] }, true],
    [{ image: ['prod/api'] }, true],
    [{ image: ['staging/api'] }, true],
    [{ image: ['registry.example.com/prod/api'] }, true],
    [{ image: ['registry.example.com/prod/api:1.4.2'] }, true],
    [{ image: ['registry.example.com/prod/api:1.4.3'] }, false],
    [{ image: ['Registry.Example.com.:0443/prod/api:1.4.2'] }, true],
    [{ image: ['registry.example.com:444/prod/api'] }, false],
    [{ image: [digestOf('image')] }, true],
    [{ image: [digestOf('another')] }, false],
    [{ environment: ['prod'] }, true],
    [{ environment: ['staging'] }, true],
    [{ environment: ['dev'] }, false],
    [{ actor: ['runner'] }, true],
    [{ actor: ['octocat'] }, true],
    [{ actor: ['Ann'] }, true],
    [{ actor: ['ann'] }, false],
    [{ operation: ['promote'] }, true],
    [{ operation: ['copy'] }, false],
    [{ result: ['done'] }, true],
    [{ result: ['failed', 'refused'] }, false],
    [{ since: Date.parse(record.time) }, true],
    [{ since: Date.parse(record.time) + 1 }, false],
    [{ until: Date.parse(record.time) }, false],
    [{ until: Date.parse(record.time) + 1 }, true],
    [
      { image: ['api'], environment: ['prod'], actor: ['Ann'], operation: ['promote'], result: ['done'] },
      true,
    ],
    [{ image: ['api'], environment: ['dev'] }, false],
  ])('of %j matches the right records', (filter, expected) => {
    expect(matcher(filter)(record)).toBe(expected)
  })

  it('matches a deleted image by every deleted tag, its digest and its subject', () => {
    const step = manifestStep({ subject: digestOf('subject') })
    const deleted = recordOf({ operation: 'prune', image: '@dev/api', step, before: null, after: null })
    for (const image of [
      'registry.example.com/dev/api:pr-1',
      'dev/api:pr-1-again',
      'dev/api',
      deletedDigest,
      digestOf('subject'),
    ])
      expect(matcher({ image: [image], operation: ['prune'] })(deleted)).toBe(true)
    expect(matcher({ image: ['dev/api:pr-2'] })(deleted)).toBe(false)
  })

  it('matches a refusal as refused, and an intent by no result', () => {
    const refused = recordOf({ phase: 'refused', result: undefined as never })
    expect(matcher({ result: ['refused'] })(refused)).toBe(true)
    expect(
      matcher({ result: ['done', 'refused'] })(recordOf({ phase: 'intent', result: undefined as never })),
    ).toBe(false)
  })

  it('matches an image by name if its registry has a port, and an attached artifact by its subject', () => {
    const withPort = recordOf({ image: 'localhost:5000/api' })
    expect(matcher({ image: ['localhost:5000/api'] })(withPort)).toBe(true)
    const step = {
      id: 's2',
      kind: 'attach',
      placement: 'p1',
      after: [],
      expect: [],
      subject: digestOf('subject'),
      manifest: { mediaType: 'm', digest: digestOf('signature'), size: 1 },
      from: { registry: 'r', path: 'a' },
      to: { registry: 'r', path: 'b' },
      via: 'subject',
    } as const
    expect(matcher({ image: [digestOf('subject')] })(recordOf({ step }))).toBe(true)
    expect(matcher({ image: [digestOf('signature')] })(recordOf({ step }))).toBe(true)
  })

  it('matches an attestation by its subject and its repository', () => {
    const step = {
      id: 's3',
      kind: 'attest',
      placement: 'p1',
      after: [],
      expect: [],
      subject: { mediaType: 'm', digest: digestOf('subject'), size: 1 },
      repository: { registry: 'r.example.com', path: 'b' },
    } as const
    for (const image of [digestOf('subject'), 'r.example.com/b', 'b']) {
      expect(matcher({ image: [image] })(recordOf({ step }))).toBe(true)
    }
  })

  it('matches a recovered tail only by its time', () => {
    expect(matcher({ since: Date.parse(tail.time) })(tail)).toBe(true)
    expect(matcher({ since: Date.parse(tail.time) + 1 })(tail)).toBe(false)
    expect(matcher({ actor: ['r'] })(tail)).toBe(false)
  })
})

describe('a moment', () => {
  const at = (text: string, edge: 'since' | 'until' = 'since'): string =>
    new Date(parseMoment(text, edge, now, '--since')).toISOString()

  it.each([
    ['90m', '2026-03-04T10:30:00.000Z'],
    ['24h', '2026-03-03T12:00:00.000Z'],
    ['7d', '2026-02-25T12:00:00.000Z'],
    ['2w', '2026-02-18T12:00:00.000Z'],
    ['2026-03-04', '2026-03-04T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-03-04T05:06Z', '2026-03-04T05:06:00.000Z'],
    ['2026-03-04T05:06:07Z', '2026-03-04T05:06:07.000Z'],
    ['2026-03-04T05:06:07.089Z', '2026-03-04T05:06:07.089Z'],
    ['2026-03-04T00:06:07+02:00', '2026-03-03T22:06:07.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(at(text)).toBe(expected)
  })

  it('that is a day means its end for --until', () => {
    expect(at('2026-03-04', 'until')).toBe('2026-03-05T00:00:00.000Z')
    expect(at('2026-03-04T00:00Z', 'until')).toBe('2026-03-04T00:00:00.000Z')
  })

  it.each([
    '',
    'yesterday',
    '7',
    '0d',
    '-7d',
    '7D',
    '1.5h',
    '1h30m',
    '9999999d',
    '2026-02-29',
    '2026-02-30',
    '2026-13-01',
    '2026-00-10',
    '2026-3-4',
    '2026-03-04 05:06Z',
    '2026-03-04T05:06',
    '2026-03-04T24:00Z',
    '2026-03-04T05:60Z',
    '2026-02-30T05:06Z',
    '2026-03-04T05:06+25:00',
    '03/04/2026',
    '2026-03-04\n',
  ])('%j is refused, with the name of the flag', (text) => {
    expect(() => at(text)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('--since') }),
    )
  })

  it('is parsed from any instant in ISO 8601', () => {
    const bounds = {
      min: new Date('1970-01-01T00:00Z'),
      max: new Date('9999-12-31T00:00Z'),
      noInvalidDate: true,
    }
    fc.assert(
      fc.property(fc.date(bounds), (date) => {
        expect(at(date.toISOString())).toBe(date.toISOString())
      }),
    )
  })
})

describe('the record of an image that was deleted together with a tag', () => {
  const lost = recordOf({
    operation: 'prune',
    step: untagStep(),
    image: '@dev/api',
    losesTags: ['pr-1', 'prod'],
  })

  it.each([
    'registry.example.com/dev/api:pr-1',
    'dev/api:prod',
    'registry.example.com/dev/api',
    deletedDigest,
  ])('matches %s', (image) => {
    expect(matcher({ image: [image] })(lost)).toBe(true)
  })

  it('does not match another tag', () => {
    expect(matcher({ image: ['dev/api:stable'] })(lost)).toBe(false)
  })
})
