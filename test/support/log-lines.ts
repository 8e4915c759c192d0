import { advance, formatLine, type Position, startOfChain } from '../../src/audit/log/chain.ts'
import type { LogLines } from '../../src/audit/query/log-lines.ts'
import type { AuditRecord, LogRecord } from '../../src/audit/log/record.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseRepository } from '../../src/oci/reference.ts'

/** The record of a moved tag, with the fields of `over`. */
export function recordOf(over: Partial<AuditRecord> = {}): AuditRecord {
  const repository = parseRepository('registry.example.com/prod/api')
  const digest = digestOf('image')
  return {
    schema: 'dray.audit/1',
    id: 'record-1',
    run: 'run-1',
    time: '2026-03-04T05:06:07.089Z',
    phase: 'outcome',
    operation: 'promote',
    plan: digestOf('plan'),
    policy: digestOf('policy'),
    actor: { user: 'ann', host: 'builder-1' },
    tool: '1.2.3',
    step: {
      id: 's1',
      kind: 'tag',
      placement: 'p1',
      after: [],
      expect: [],
      repository,
      tag: '1.4.2',
      target: { mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 512 },
      from: parseRepository('registry.example.com/staging/api'),
    },
    image: 'api:1.4.2',
    environment: { from: 'staging', to: 'prod' },
    before: null,
    after: digest,
    result: 'done',
    ...over,
  }
}

/** The record of a refusal, which has no step. */
export function refusedRecord(message: string): AuditRecord {
  const { step: _, result: __, before: ___, after: ____, ...rest } = recordOf()
  return { ...rest, phase: 'refused', error: { code: 'refused', message } }
}

/** Records as the lines of a log, each chained to the one before. */
export function chained(records: readonly LogRecord[]): readonly string[] {
  let position: Position = startOfChain
  return records.map((record) => {
    const line = formatLine(record, position)
    position = advance(position, Buffer.from(line))
    return line
  })
}

/**
 * Yields lines like the reader of a file, in batches of three. `torn` follows the last line break.
 */
export async function* batches(lines: readonly string[], torn = ''): LogLines {
  let offset = 0
  const all = lines.map((line) => {
    const raw = Buffer.from(line)
    const at = offset
    offset += raw.byteLength + 1
    return { offset: at, raw, state: 'whole' as const }
  })
  for (let i = 0; i < all.length; i += 3) yield all.slice(i, i + 3)
  if (torn !== '') yield [{ offset, raw: Buffer.from(torn), state: 'torn' }]
}
