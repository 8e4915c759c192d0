/**
 * A process that runs dray many times: the pages of the documentation have hundreds of commands,
 * and a process for each takes too long. Other tests start the program itself.
 */
import { join } from 'node:path'
import { createRequire } from 'node:module'

export interface WarmRequest {
  readonly id: number
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export interface WarmAnswer {
  readonly id: number
  readonly code: number
  /** stdout and stderr in the order of their lines */
  readonly output: string
}

const root = join(import.meta.dirname, '..', '..', '..')
const requireBuilt = createRequire(import.meta.url)
const kept = new Set(['NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'])
let waiting: Promise<void> = Promise.resolve()

process.on('message', (request: WarmRequest) => {
  waiting = waiting.then(async () => void process.send?.(await run(request)))
})

async function run({ id, args, cwd, env }: WarmRequest): Promise<WarmAnswer> {
  for (const name of Object.keys(process.env)) if (!kept.has(name)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  process.exitCode = undefined
  let output = ''
  const restore = [process.stdout, process.stderr].map((stream) =>
    captureWrites(stream, (text) => (output += text)),
  )
  const { main } = requireBuilt(join(root, 'dist', 'main.cjs')) as {
    main: (args: readonly string[], root: string) => Promise<void>
  }
  try {
    await main(args, root)
  } finally {
    for (const undo of restore) undo()
    // Each run adds its own.
    process.removeAllListeners('uncaughtException')
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error')
  }
  return { id, code: process.exitCode ?? 0, output }
}

/** Keeps what is written to a stream. Makes stdout a terminal of 100 columns, for its layout. */
function captureWrites(stream: NodeJS.WriteStream, keep: (text: string) => void): () => void {
  const write = stream.write.bind(stream)
  stream.write = (chunk: Uint8Array | string, ...rest: readonly unknown[]) => {
    keep(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    const done = rest.find((value): value is () => void => typeof value === 'function')
    if (done !== undefined) queueMicrotask(done)
    return true
  }
  if (stream === process.stdout)
    Object.assign(stream, { isTTY: true, columns: 100, rows: 1000, getWindowSize: () => [100, 1000] })
  return () => void (stream.write = write)
}
