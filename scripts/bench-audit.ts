/**
 * Measures the verification of a log: `node scripts/bench-audit.ts [RECORDS]` writes a log of a
 * million records (some 1 GB) to a temporary folder, verifies it in a process of its own, and
 * removes it.
 */
import { spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { advance, formatLine, startOfChain } from '../src/audit/log/chain.ts'
import { writeHead } from '../src/audit/log/head.ts'
import type { AuditRecord } from '../src/audit/log/record.ts'
import { verifyLog } from '../src/audit/verify/verify-log.ts'
import { systemClock } from '../src/lib/clock.ts'
import { digestOf } from '../src/oci/digest.ts'

const [first = '1000000', ...rest] = process.argv.slice(2)
if (first === 'verify') await verify(rest[0] ?? '')
else await bench(Number(first))

async function bench(records: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-bench-'))
  try {
    const path = join(folder, 'audit.jsonl')
    await generate(path, records)
    // Bundled like the program, because reading TypeScript alone takes 40 MB.
    const bundle = join(folder, 'bench.mjs')
    const { build } = await import('rolldown')
    await build({
      input: import.meta.filename,
      platform: 'node',
      output: { file: bundle },
      logLevel: 'warn',
      external: ['rolldown'],
    })
    console.log(`${records} records, ${Math.round((await stat(path)).size / 1e6)} MB`)
    spawnSync(process.execPath, [bundle, 'verify', path], { stdio: 'inherit' })
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function verify(path: string): Promise<void> {
  const start = performance.now()
  const { end, problem, head, open } = await verifyLog(
    path,
    { clock: systemClock },
    new AbortController().signal,
  )
  const seconds = (performance.now() - start) / 1000
  const rss = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(
    `${Math.round(end.seq / seconds)} records/s, ${seconds.toFixed(1)} s, at most ${rss} MB of memory; ` +
      `${problem === undefined ? 'no problem' : `line ${problem.line}: ${problem.why}`}, head ${head}, ${open.lost.length} open`,
  )
}

async function generate(path: string, records: number): Promise<void> {
  const file = createWriteStream(path, { highWaterMark: 4 * 1024 * 1024 })
  let end = startOfChain
  for (let number = 0; number < records; number++) {
    const line = formatLine(recordOf(number), end)
    end = advance(end, Buffer.from(line))
    if (!file.write(`${line}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
  await writeHead(path, { ...end, settled: { seq: end.seq, offset: end.size } })
}

/** Alternates intents and outcomes of the steps of a promotion. */
function recordOf(number: number): AuditRecord {
  const step = Math.floor(number / 2)
  const repository = (registry: string) => ({ registry, path: `platform/services/api-${step % 500}` })
  const digest = digestOf(`image ${step}`)
  return {
    schema: 'dray.audit/1',
    id: crypto.randomUUID(),
    run: digestOf(`run ${Math.floor(step / 20)}`).slice(7, 43),
    time: new Date(1_800_000_000_000 + number * 1000).toISOString(),
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
