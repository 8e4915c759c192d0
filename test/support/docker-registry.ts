import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { makeFolder, removeFolder } from './temp.ts'
import { type Tool, tools } from './tools.ts'
import { exchange } from './wire.ts'

/** The Debian package docker-registry (distribution 2.8). Tests use it if it is installed. */
export const dockerRegistry: Tool = tools('docker-registry')

/** A user for `htpasswd`, with its `Authorization` header. */
export const testUser = {
  username: 'dray',
  password: 'secret',
  htpasswd: 'dray:$2b$04$1Hf8nQ8PksFVJEX1yt9OG.nrNF/NsnKmoZtknsriUT5W6KZFfsole',
  authorization: `Basic ${Buffer.from('dray:secret').toString('base64')}`,
} as const

export interface DockerRegistryOptions {
  /** whether it deletes manifests and blobs; true by default */
  readonly deletes?: boolean
  /** lines of an htpasswd file (bcrypt only); anonymous by default */
  readonly htpasswd?: string
  /** PEM files */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly relativeUrls?: boolean
  /** sends its notifications to this URL, with these headers */
  readonly notify?: { readonly url: string; readonly headers: Readonly<Record<string, string>> }
}

export interface LogEntry {
  readonly method: string
  /** with the query */
  readonly path: string
  readonly status: number
  /** the size of the response body */
  readonly bytes: number
}

export interface DockerRegistry {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** the folder of its repositories */
  readonly folder: string
  /** The requests since the start or the last `clearLog`, in the order of their responses. */
  log(): Promise<readonly LogEntry[]>
  clearLog(): Promise<void>
  /** Ends the process and removes its folder. */
  stop(): Promise<void>
}

type Server = ChildProcessByStdio<null, Readable, Readable>
const attempts = 5
const line = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) (\d+|-)/

/** Starts a registry with its own folder on a free port of 127.0.0.1. Resolves when it listens. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = await makeFolder('dray-docker-registry-')
  try {
    for (let attempt = 1; ; attempt++) {
      const host = `127.0.0.1:${await freePort()}`
      const config = join(folder, 'config.yml')
      await writeFile(config, JSON.stringify(await configuration(folder, host, options)))
      const child = spawn('docker-registry', ['serve', config], {
        // It lives for a few seconds. Without GOGC, it spends a third of them on its garbage.
        env: { ...process.env, GOGC: '400' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const failure = await listening(child)
      if (failure === undefined) return running(child, folder, host, options)
      // Another process may have taken the free port before the registry listens on it.
      if (attempt === attempts || !failure.includes('address already in use'))
        throw new Error(`docker-registry did not start: ${failure}`)
    }
  } catch (error) {
    await removeFolder(folder)
    throw error
  }
}

function running(
  child: Server,
  folder: string,
  host: string,
  options: DockerRegistryOptions,
): DockerRegistry {
  const url = `${options.tls === undefined ? 'http' : 'https'}://${host}`
  let entries: LogEntry[] = []
  let marks = 0
  const marked = new Map<string, () => void>()
  createInterface(child.stdout).on('line', (text) => {
    const entry = parseEntry(text)
    if (entry === undefined) return
    const arrived = marked.get(entry.path)
    if (arrived === undefined) entries.push(entry)
    else arrived()
  })
  const leaveNothing = (): void => void child.kill('SIGKILL')
  process.once('exit', leaveNothing)
  // The log comes after the responses. Once it has this request, it has all earlier ones.
  const settle = async (): Promise<void> => {
    const path = `/v2/?mark=${++marks}`
    const arrival = new Promise<void>((resolve) => marked.set(path, resolve))
    await exchange('GET', `${url}${path}`, { ...(options.tls && { ca: options.tls.certificate }) })
    await arrival
  }
  return {
    url,
    host,
    folder: join(folder, 'data'),
    log: async () => {
      await settle()
      return entries
    },
    clearLog: async () => {
      await settle()
      entries = []
    },
    stop: async () => {
      process.removeListener('exit', leaveNothing)
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }
      await removeFolder(folder)
    },
  }
}

/** Returns undefined once it listens, or its stderr if it ends. */
async function listening(child: Server): Promise<string | undefined> {
  const said: string[] = []
  const lines = createInterface(child.stderr)
  return await new Promise((resolve) => {
    lines.on('line', (text) => {
      if (said.length < 50) said.push(text)
      if (!text.includes('listening on')) return
      lines.close()
      child.stderr.resume()
      resolve(undefined)
    })
    child.once('error', (error) => resolve(error.message))
    child.once('close', () => resolve(said.join('\n')))
  })
}

async function configuration(folder: string, host: string, options: DockerRegistryOptions): Promise<object> {
  const inFolder = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  const { tls, htpasswd, notify } = options
  return {
    version: '0.1',
    log: { level: 'info' },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: options.deletes ?? true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: {
      addr: host,
      relativeurls: options.relativeUrls ?? false,
      ...(tls && {
        tls: {
          certificate: await inFolder('tls.crt', tls.certificate),
          key: await inFolder('tls.key', tls.key),
        },
      }),
    },
    ...(htpasswd !== undefined && {
      auth: { htpasswd: { realm: 'test', path: await inFolder('htpasswd', htpasswd) } },
    }),
    ...(notify && { notifications: { endpoints: [endpointOf(notify)] } }),
  }
}

/** It sends each event until an answer of 2xx or 3xx, in order. */
function endpointOf({ url, headers }: NonNullable<DockerRegistryOptions['notify']>): object {
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  return { name: 'test', url, headers: lists, timeout: '5s', threshold: 10, backoff: '100ms' }
}

function parseEntry(text: string): LogEntry | undefined {
  const [, method, path, status, bytes] = line.exec(text) ?? []
  if (method === undefined || path === undefined) return undefined
  return { method, path, status: Number(status), bytes: bytes === '-' ? 0 : Number(bytes) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
