import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A request, with its body once it was read. */
export interface SeenRequest {
  readonly method: string
  /** path and query */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  body: Buffer
}

export interface ScriptedServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly origin: string
  readonly seen: readonly SeenRequest[]
  /** the number of accepted connections */
  readonly connections: () => number
}

/** Handles a request. Its body was already read unless `streaming` is set. */
export type Script = (
  request: SeenRequest,
  response: ServerResponse,
  raw: IncomingMessage,
) => void | Promise<void>

export interface ScriptOptions {
  /** the script reads bodies itself */
  readonly streaming?: boolean
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Starts a server on a free loopback port that handles each request with the script. */
export async function scriptedServer(script: Script, options: ScriptOptions = {}): Promise<ScriptedServer> {
  const seen: SeenRequest[] = []
  let connections = 0
  const listener: RequestListener = (raw, response) => {
    void answer(script, options.streaming === true, seen, raw, response)
  }
  const server =
    options.tls === undefined ? createServer(listener) : createSecureServer(options.tls, listener)
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    origin: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    seen,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  script: Script,
  streaming: boolean,
  seen: SeenRequest[],
  raw: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request: SeenRequest = {
    method: raw.method ?? '',
    path: raw.url ?? '',
    headers: raw.headers,
    body: Buffer.alloc(0),
  }
  seen.push(request)
  if (!streaming) {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of raw) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    request.body = Buffer.concat(chunks)
  }
  await script(request, response, raw)
}

/** Answers with status, headers and a body. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | string[]>> = {},
  body: string | Uint8Array = '',
): void {
  response.writeHead(status, headers)
  response.end(body)
}
