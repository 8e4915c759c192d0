import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readHead } from '../../../src/audit/log/head.ts'
import { linesOf } from '../../../src/audit/query/log-lines.ts'
import { mergeLogs, surveyLogs } from '../../../src/audit/merge/merge.ts'
import { selectLines } from '../../../src/audit/query/select-lines.ts'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { readAuthFile } from '../../../src/registry/credentials/auth-file.ts'
import { LayoutRepositories } from '../../../src/layout/layout-repositories.ts'
import { layoutRegistry } from '../../../src/oci/reference.ts'
import { leapingClock } from '../manual-clock.ts'
import type { Parser } from './parsers.ts'

const { signal } = new AbortController()
const call = { signal, notify: () => undefined }
const clock = leapingClock()
const record =
  '{"seq":1,"prev":null,"time":"2026-11-23T00:00:00Z","run":"r","phase":"recovered","schema":"dray.audit/1","id":"i"}\n'

/** Writes the bytes to a file of this name in a folder of its own, which is gone afterwards. */
async function inFolder(
  name: string,
  bytes: Uint8Array,
  read: (folder: string) => Promise<unknown>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hostile-'))
  try {
    await writeFile(join(folder, name), bytes)
    await read(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function everyTag(folder: string): Promise<void> {
  const store = new LayoutRepositories(folder, clock).source({ registry: layoutRegistry, path: '.' })
  for await (const tag of store.tags(call)) await store.findManifest({ tag }, call)
}

const fileParser = (
  name: string,
  file: string,
  sample: string,
  read: (folder: string) => Promise<unknown>,
): Parser => ({
  name,
  sample,
  parse: (bytes) => inFolder(file, bytes, read),
})

const inLog = (name: string, read: (log: string) => Promise<unknown>): Parser =>
  fileParser(name, 'audit.jsonl', record, (folder) => read(join(folder, 'audit.jsonl')))

/** Parsers of files. */
export const fileParsers: readonly Parser[] = [
  fileParser(
    'readAuthFile',
    'config.json',
    '{"auths":{"r.test":{"auth":"YTpi"}},"credHelpers":{"x.test":"y"}}',
    (folder) => readAuthFile(join(folder, 'config.json')),
  ),
  fileParser('the list of a layout', 'index.json', '{"schemaVersion":2,"manifests":[]}', async (folder) => {
    await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    await everyTag(folder)
  }),
  fileParser('the file oci-layout', 'oci-layout', '{"imageLayoutVersion":"1.0.0"}', async (folder) => {
    await writeFile(join(folder, 'index.json'), '{"schemaVersion":2,"manifests":[]}')
    await everyTag(folder)
  }),
  inLog('verifyLog', (log) => verifyLog(log, { clock }, signal)),
  inLog('selectLines', async (log) => {
    for (const options of [{}, { limit: 2 }]) {
      await using selection = await selectLines(log, { ...options, matches: () => true }, signal)
      await Array.fromAsync(selection.batches)
    }
  }),
  inLog('mergeLogs', async (log) => {
    const survey = await surveyLogs([{ name: 'a', lines: () => linesOf(log, signal) }])
    await Array.fromAsync(mergeLogs(survey))
  }),
  fileParser('readHead', 'audit.jsonl.head', '{"schema":"dray.audit-head/1"}', (folder) =>
    readHead(join(folder, 'audit.jsonl')),
  ),
]
