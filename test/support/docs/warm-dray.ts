/**
 * A process that runs dray many times: the pages of the documentation have hundreds of commands,
 * and a process for each takes too long. Other tests start the program itself.
 *
 * It takes commands from its parent, for which stdout is a terminal of 100 columns, and from the
 * script of `warmScript` on a port of this machine, for which it is a pipe.
 */
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'

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

/** Text that dray wrote: the number of the file descriptor, and the text. */
type Written = readonly [descriptor: 1 | 2, text: string]

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

const server = createServer((socket) => {
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
    const request = parseRequest(received)
    if (request !== undefined) void answer(socket, request)
  })
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))

/** Parses the folder, the input, the arguments and the variables, each list after its length. */
function parseRequest(text: string): (WarmRequest & { readonly input: string }) | undefined {
  const [cwd = '', input = '', count = '', ...rest] = text.split('\0')
  const args = rest.slice(0, Number(count))
  const variables = rest.slice(args.length + 1, -1)
  if (count === '' || rest.length < args.length + 2 || variables.length < Number(rest[args.length]))
    return undefined
  const env = Object.fromEntries(
    variables.map((variable) => [variable.replace(/=.*$/s, ''), variable.replace(/^[^=]*=/, '')]),
  )
  return { cwd, input, args, env }
}

/** Writes each text after a line with its descriptor and length, and the exit code at the end. */
async function answer(socket: Socket, request: WarmRequest & { readonly input: string }): Promise<void> {
  const { code, written } = await enqueue(() => run(request, { isTerminal: false, input: request.input }))
  for (const [descriptor, text] of written) socket.write(`${descriptor} ${Buffer.byteLength(text)}\n${text}`)
  socket.end(`exit ${code}\n`)
}

async function run(
  { args, cwd, env }: WarmRequest,
  { isTerminal, input }: { readonly isTerminal: boolean; readonly input: string },
): Promise<{ readonly code: number; readonly written: readonly Written[] }> {
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
