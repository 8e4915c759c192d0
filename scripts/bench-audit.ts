/**
 * Measures the verification of a log: `node scripts/bench-audit.ts [RECORDS]` writes a log of a
 * million records (some 1 GB) to a temporary folder, verifies it in a process of its own, and
 * removes it. `node scripts/bench-audit.ts growth` measures the commands of the built dray that
 * read a log, at three sizes.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyLog } from '../src/audit/verify/verify-log.ts'
import { systemClock } from '../src/lib/clock.ts'
import { auditCases, writeAuditLog } from './bench/audit-log.ts'
import { run } from './bench/process.ts'

const [first = '1000000', ...rest] = process.argv.slice(2)
if (first === 'verify') await verify(rest[0] ?? '')
else if (first === 'growth') await measureGrowth()
else await bench(Number(first))

async function measureGrowth(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-bench-'))
  try {
    const auditLog = join(folder, 'audit.jsonl')
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, DRAY_AUDIT_FILE: auditLog }
    const program = join(import.meta.dirname, '..', 'bin', 'dray.js')
    for (const one of auditCases) {
      for (const size of one.sizes) {
        const args = await one.prepare({ auditLog, size })
        const { code, cpuMs } = await run({ command: process.execPath, args: [program, ...args], env })
        console.log(`${one.name}, ${size} ${one.unit}: exit code ${code}, ${cpuMs} ms of CPU time`)
      }
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function bench(records: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-bench-'))
  try {
    const path = join(folder, 'audit.jsonl')
    await writeAuditLog(path, records)
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
