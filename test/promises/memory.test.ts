import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { preloading } from '../support/program-command.ts'
import type { SinkStats } from '../support/source-and-sink.ts'
import { tempFolder } from '../support/temp.ts'
import { exchange } from '../support/wire.ts'
import { configOf } from '../support/world.ts'
import { toProd, workplace } from '../support/workplace.ts'

const layers = 3
/**
 * The promise holds for 2048 (`DRAY_TEST_LAYER_MIB=2048 npx vitest run
 * test/promises/memory.test.ts`). The default is faster, and each layer is uploaded in one request
 * instead of in chunks.
 */
const mebibytes = Number(process.env['DRAY_TEST_LAYER_MIB'] ?? 192)
const layerSize = mebibytes * 1024 * 1024
/** bytes */
const most = 200_000_000
const hasProc = existsSync('/proc/self/status')

/**
 * Saves the statistics of the kernel when the process ends: its peak memory and its disk writes.
 */
const reportAtExit = `process.on('exit', () => {
  const { readFileSync, writeFileSync } = process.getBuiltinModule('node:fs')
  const texts = ['status', 'io'].map((name) => readFileSync('/proc/self/' + name, 'utf8'))
  writeFileSync(process.env.DRAY_TEST_REPORT_FILE, texts.join(''))
})`

/** Starts a registry of source-and-sink.ts and returns its host. */
async function startRegistry(...args: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, '..', 'support', 'source-and-sink.ts')
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string]
  return `127.0.0.1:${port}`
}

it.skipIf(!hasProc)(
  `copying three layers of ${mebibytes} MiB at once takes less than 200 MB of memory and writes nothing to disk${hasProc ? '' : ' (skipped: no /proc)'}`,
  async () => {
    const [from, to] = await Promise.all([
      startRegistry('source', `${layers}`, `${layerSize}`),
      startRegistry('sink'),
    ])
    const reports = await workplace('')
    const report = join(reports.folder, 'report')
    const preload = join(await tempFolder(), 'report.cjs')
    writeFileSync(preload, reportAtExit)
    const here = await workplace(configOf(from, [to]), {
      ...preloading(preload),
      DRAY_TEST_REPORT_FILE: report,
      TMPDIR: reports.folder,
      NODE_DISABLE_COMPILE_CACHE: '1',
    })

    const ended = await here.json(...toProd('big:1.4.2'))

    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.document.result?.transferred).toMatchObject({ uploaded: layers + 1 })
    const stats = JSON.parse((await exchange('GET', `http://${to}/stats`)).body.toString()) as SinkStats
    expect(Object.values(stats.blobs).filter((size) => size === layerSize)).toHaveLength(layers)
    expect(stats.mostAtOnce).toBeGreaterThanOrEqual(layers)
    expect(stats.tags).toEqual(['1.4.2'])

    const statistics = readFileSync(report, 'utf8')
    expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(statistics)?.[1]) * 1024).toBeLessThan(most)
    expect(Number(/^write_bytes: (\d+)$/m.exec(statistics)?.[1])).toBeLessThan(1024 * 1024)
    expect(readdirSync(reports.folder).sort()).toEqual(['dray.yaml', 'report'])
    const audit = ['audit.jsonl', 'audit.jsonl.head', 'audit.jsonl.runs']
    expect(readdirSync(here.folder).sort()).toEqual([...audit, 'dray.yaml'])
  },
  30_000 + mebibytes * 200,
)
