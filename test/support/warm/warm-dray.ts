/**
 * A process that runs dray many times: a process for each run takes half a second, and there are
 * thousands. A run has its own arguments, variables, folder, input and output; the modules stay.
 *
 * It takes runs from its parent, `warmDray` or a page of the documentation, and from the script of
 * `warmScript` on a port of this machine, for which stdout is a pipe.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { listenForScripts, type ScriptRequest, type ScriptResult, type Written } from './warm-protocol.ts'

export interface WarmRequest extends ScriptRequest {
  /** whether stdout is a terminal of 100 columns, or a pipe */
  readonly isTerminal: boolean
}

/** The result of a run, or the reason why a process could give another one. */
export type WarmAnswer = ScriptResult | { readonly fault: string }

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
  void enqueue(async () => process.send?.(await run(request)))
})
process.on('disconnect', () => process.exit())

const { port } = await listenForScripts((request) => enqueue(() => runScript(request)))
process.send?.({ port })

async function runScript(request: ScriptRequest): Promise<ScriptResult> {
  const answer = await run({ ...request, isTerminal: false })
  if ('fault' in answer) throw new Error(answer.fault)
  return answer
}

async function run({ args, cwd, env, input, isTerminal }: WarmRequest): Promise<WarmAnswer> {
  for (const name of Object.keys(process.env)) if (!kept.has(name)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  process.exitCode = undefined
  Object.defineProperty(process, 'stdin', {
    value: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    configurable: true,
  })
  const size = { isTTY: true, columns: 100, rows: 1000, getWindowSize: () => [100, 1000] }
  Object.assign(process.stdout, isTerminal ? size : { isTTY: false, columns: undefined })
  process.stderr.isTTY = false
  const written: Written[] = []
  const restore = [
    captureWrites(process.stdout, (text) => written.push([1, text])),
    captureWrites(process.stderr, (text) => written.push([2, text])),
  ]
  const { main } = requireBuilt(join(root, 'dist', 'dray.cjs')) as {
    main: (args: readonly string[]) => Promise<void>
  }
  try {
    await main(args)
  } finally {
    for (const undo of restore) undo()
    // Each run adds its own.
    process.removeAllListeners('uncaughtException')
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error')
  }
  const left = await leftBehind()
  if (left.length > 0) return { fault: `dray ${args.join(' ')} left ${left.join(', ')}` }
  return { code: process.exitCode ?? 0, written }
}

/**
 * The listeners and timers that would keep a process of its own from ending, or would change the
 * next run. Connections that close take some turns of the event loop to clear their timers.
 */
async function leftBehind(): Promise<readonly string[]> {
  for (let turn = 0; turn < 20 && leftNow().length > 0; turn++)
    await new Promise((resolve) => setImmediate(resolve))
  return leftNow()
}

function leftNow(): readonly string[] {
  const signals = ['SIGINT', 'SIGTERM'].filter((name) => process.listenerCount(name) > 0)
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
  return [...signals, ...timers]
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
