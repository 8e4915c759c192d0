/** Audit logs of any length, and what to measure with them. */
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { advance, formatLine, startOfChain } from '../../src/audit/log/chain.ts'
import { writeHead } from '../../src/audit/log/head.ts'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import { digestOf } from '../../src/oci/digest.ts'

const second = 1000
const bufferSize = 4 * 1024 * 1024

/** A command that reads a log of each of these sizes. It has the shape of a case of growth. */
interface AuditCase {
  readonly name: string
  readonly unit: string
  readonly sizes: readonly number[]
  /** Writes the log. Returns the arguments of the command. */
  prepare(input: { readonly auditLog: string; readonly size: number }): Promise<readonly string[]>
}

/** The second one must cost the same at every size: the last hour has 3,600 records. */
export const auditCases: readonly AuditCase[] = [
  { name: 'audit verify', args: ['audit', 'verify'] },
  { name: 'audit log --since 1h', args: ['audit', 'log', '--since', '1h', '--all', '--jsonl'] },
].map(({ name, args }) => ({
  name,
  unit: 'records',
  sizes: [20_000, 80_000, 320_000],
  prepare: async ({ auditLog, size }) => {
    await writeAuditLog(auditLog, size)
    return args
  },
}))

/** Writes a log with its head: a record a second, of which the last one is of now. */
export async function writeAuditLog(path: string, records: number): Promise<void> {
  const file = createWriteStream(path, { highWaterMark: bufferSize })
  const start = Date.now() - records * second
  let end = startOfChain
  for (let number = 0; number < records; number++) {
    const line = formatLine(recordOf(number, start + number * second), end)
    end = advance(end, Buffer.from(line))
    if (!file.write(`${line}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
  await writeHead(path, { ...end, settled: { seq: end.seq, offset: end.size } })
}

/** Alternates intents and outcomes of the steps of a promotion. */
function recordOf(number: number, time: number): AuditRecord {
  const step = Math.floor(number / 2)
  const repository = (registry: string) => ({ registry, path: `platform/services/api-${step % 500}` })
  const digest = digestOf(`image ${step}`)
  return {
    schema: 'dray.audit/1',
    id: crypto.randomUUID(),
    run: digestOf(`run ${Math.floor(step / 20)}`).slice(7, 43),
    time: new Date(time).toISOString(),
    phase: number % 2 === 0 ? 'intent' : 'outcome',
    operation: 'promote',
    plan: digestOf('plan'),
    policy: digestOf('policy'),
    actor: {
      user: 'ci',
      host: 'runner-7',
      ci: { service: 'github', user: 'someone', run: 'https://github.example/platform/api/actions/runs/1' },
    },
    tool: '1.0.0',
    image: `api-${step % 500}:1.${step % 90}.0`,
    environment: { from: 'staging', to: 'prod' },
    step: {
      id: `s${step}`,
      placement: 'p1',
      after: ['s1'],
      expect: [
        {
          kind: 'tag',
          repository: repository('registry.prod.example'),
          tag: `1.${step % 90}.0`,
          digest: null,
        },
      ],
      kind: 'tag',
      repository: repository('registry.prod.example'),
      tag: `1.${step % 90}.0`,
      target: { mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 1234 },
      from: repository('registry.staging.example'),
    },
    before: null,
    ...(number % 2 === 1 && { after: digest, result: 'done' as const }),
  }
}
