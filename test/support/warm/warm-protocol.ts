import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A command from the script of `warmScript`. */
export interface ScriptRequest {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly input: string
}

/** Text that a command wrote: the number of the file descriptor, and the text. */
export type Written = readonly [descriptor: 1 | 2, text: string]

export interface ScriptResult {
  readonly code: number
  readonly written: readonly Written[]
}

export interface ScriptServer {
  readonly server: Server
  readonly port: number
}

/** Listens on a port of this machine for the commands of the script, and runs each. */
export async function listenForScripts(
  run: (request: ScriptRequest) => Promise<ScriptResult>,
): Promise<ScriptServer> {
  const server = createServer((socket) => {
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
      const request = parseRequest(received)
      if (request !== undefined) void run(request).then((result) => answer(socket, result))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

/** Parses the folder, the input, the arguments and the variables, each list after its length. */
function parseRequest(text: string): ScriptRequest | undefined {
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
function answer(socket: Socket, { code, written }: ScriptResult): void {
  for (const [descriptor, text] of written) socket.write(`${descriptor} ${Buffer.byteLength(text)}\n${text}`)
  socket.end(`exit ${code}\n`)
}
