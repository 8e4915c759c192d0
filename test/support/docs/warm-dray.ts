/**
 * A process that runs dray many times: the pages of the documentation have hundreds of commands,
 * and a process for each takes too long. Other tests start the program itself.
 *
 * It takes commands from its parent, for which stdout is a terminal of 100 columns, and from the
 * script of `warmScript` on a port of this machine, for which it is a pipe.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { listenForScripts, type ScriptResult, type Written } from './warm-protocol.ts'

export interface WarmRequest {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export interface WarmAnswer {
  readonly code: number
  /** stdout and stderr in the order of their lines */
  readonly output: string
}

const root = join(import.meta.dirname, '..', '..', '..')
const requireBuilt = createRequire(import.meta.url)
const kept = new Set(['NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'])
let waiting: Promise<unknown> = Promise.resolve()

/** Runs one command after the other, because they share this process. */
function enqueue<T>(task: () => Promise<T>): Promise<T> {
  const done = waiting.then(task)
  waiting = done
  return done
}

process.on('message', (request: WarmRequest) => {
  void enqueue(async () => {
    const { code, written } = await run(request, { isTerminal: true, input: '' })
    process.send?.({ code, output: written.map(([, text]) => text).join('') } satisfies WarmAnswer)
  })
})

const { port } = await listenForScripts((request) =>
  enqueue(() => run(request, { isTerminal: false, input: request.input })),
)
process.send?.({ port })

async function run(
  { args, cwd, env }: WarmRequest,
  { isTerminal, input }: { readonly isTerminal: boolean; readonly input: string },
): Promise<ScriptResult> {
  for (const name of Object.keys(process.env)) if (!kept.has(name)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  process.exitCode = undefined
  Object.defineProperty(process, 'stdin', {
    value: Readable.from(input === '' ? [] : [input]),
    configurable: true,
  })
  const size = { isTTY: true, columns: 100, rows: 1000, getWindowSize: () => [100, 1000] }
  Object.assign(process.stdout, isTerminal ? size : { isTTY: false, columns: undefined })
  const written: Written[] = []
  const restore = [
    captureWrites(process.stdout, (text) => written.push([1, text])),
    captureWrites(process.stderr, (text) => written.push([2, text])),
  ]
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
  return { code: process.exitCode ?? 0, written }
}

/** Keeps the text that is written to a stream. */
function captureWrites(stream: NodeJS.WriteStream, keep: (text: string) => void): () => void {
  const write = stream.write.bind(stream)
  stream.write = (chunk: Uint8Array | string, ...rest: readonly unknown[]) => {
    keep(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    const done = rest.find((value): value is () => void => typeof value === 'function')
    if (done !== undefined) queueMicrotask(done)
    return true
  }
  return () => void (stream.write = write)
}
