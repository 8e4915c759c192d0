import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { queryCluster } from '../../src/deployments/clusters/kubectl.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { toErrorInfo } from '../../src/lib/errors.ts'
import { writeFileAtomic } from '../../src/lib/files/atomic.ts'
import { openRegular } from '../../src/lib/files/read.ts'
import { askHelper } from '../../src/registry/credentials/helper.ts'
import { createFetch } from '../../src/registry/http/stack.ts'

/**
 * The script of a process that uses up its open files, and then does what needs one more. Start it
 * with a low limit (`ulimit -n`). Its argument is a folder. It prints the errors as JSON, by name.
 */
const [folder = ''] = process.argv.slice(2)
const call = { signal: new AbortController().signal, notify: () => undefined }
const stack = createFetch({
  settings: new Map(),
  credentials: async () => undefined,
  userAgent: 'test',
  clock: { ...systemClock, sleep: async (_, signal) => signal.throwIfAborted() },
  random: () => 0,
})

const request = async (host: string): Promise<void> => {
  // Nothing listens there, but a socket comes first.
  const registry = `${host}:9`
  const url = new URL(`http://${registry}/v2/`)
  const settings = { headers: {}, replay: 'always', lane: 'small', scopes: [] } as const
  const response = await stack.fetch({ method: 'GET', url, registry, ...settings }, call)
  await response.discard()
}
const works: Readonly<Record<string, () => Promise<unknown>>> = {
  connection: () => request('127.0.0.1'),
  'name lookup': () => request('registry.invalid'),
  helper: () => askHelper({ name: 'test', server: 'r.test' }, { env: process.env }, call),
  kubectl: () => queryCluster('test', { env: process.env, clock: systemClock }, call),
  write: () => writeFileAtomic(join(folder, 'file'), 'x'),
  read: async () => (await openRegular(join(folder, 'file')))?.close(),
  'unexpected place': async () => openSync(join(folder, 'file'), 'w'),
}

// Modules are loaded while files can be opened.
for (const work of Object.values(works)) await work().catch(() => undefined)
const open: number[] = []
try {
  for (;;) open.push(openSync('/dev/null', 'r'))
} catch {
  // No file is left.
}
const errors: Record<string, unknown> = {}
for (const [name, work] of Object.entries(works)) {
  errors[name] = await work().then(
    () => undefined,
    (error: unknown) => toErrorInfo(error),
  )
}
for (const file of open) closeSync(file)
writeSync(1, JSON.stringify(errors))
process.exit()
