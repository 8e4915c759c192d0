import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type DockerRegistry,
  type LogEntry,
  startDockerRegistry,
} from '../../test/support/docker-registry.ts'
import { Oracle } from '../../test/support/oracle.ts'
import { makeFolder, removeFolder } from '../../test/support/temp.ts'
import { start } from './process.ts'

/** A registry that can be reached over different distances. */
interface ReachableRegistry extends AsyncDisposable {
  readonly oracle: Oracle
  /** `127.0.0.1:PORT` with this many milliseconds of added round-trip time */
  hostAt(rtt: number): Promise<string>
  /** The requests since the last call. */
  requests(): Promise<readonly LogEntry[]>
}

/** Two registries and a folder, removed at the end. */
export interface Stage extends AsyncDisposable {
  readonly source: ReachableRegistry
  readonly target: ReachableRegistry
  readonly folder: string
  /** the environment of every program: no settings, no credentials */
  readonly env: Readonly<Record<string, string>>
  /** a unique name */
  newName(): string
  /** Closes it with the stage. */
  closeLater(opened: AsyncDisposable): void
}

export async function openStage(): Promise<Stage> {
  const folder = await makeFolder('dray-bench-')
  const home = join(folder, 'home')
  await mkdir(home)
  // Also after an interrupt.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const [source, target] = [await openRegistry(), await openRegistry()]
  const opened: AsyncDisposable[] = [source, target]
  let names = 0
  return {
    source,
    target,
    folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      DOCKER_CONFIG: home,
      DRAY_AUDIT_FILE: join(home, 'audit.jsonl'),
      TMPDIR: folder,
    },
    newName: () => `run${names++}`,
    closeLater: (one) => void opened.push(one),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((one) => one[Symbol.asyncDispose]()))
      await removeFolder(folder)
    },
  }
}

async function openRegistry(): Promise<ReachableRegistry> {
  // An absolute URL would bypass the proxy.
  const registry = await startDockerRegistry({ relativeUrls: true })
  const proxies = new Map<number, Promise<Proxy>>()
  return {
    oracle: new Oracle(registry.url),
    hostAt: async (rtt) => {
      if (rtt === 0) return registry.host
      const known = proxies.get(rtt) ?? openProxy(registry, rtt)
      proxies.set(rtt, known)
      return (await known).host
    },
    requests: async () => {
      const log = await registry.log()
      await registry.clearLog()
      return log
    },
    [Symbol.asyncDispose]: async () => {
      for (const proxy of await Promise.all(proxies.values())) proxy.stop()
      await registry.stop()
    },
  }
}

interface Proxy {
  readonly host: string
  stop(): void
}

async function openProxy(registry: DockerRegistry, rtt: number): Promise<Proxy> {
  const { port } = new URL(registry.url)
  const script = fileURLToPath(import.meta.resolve('./delay-proxy.ts'))
  const child = start({ command: process.execPath, args: [script, port, String(rtt)] }, [
    'pipe',
    'pipe',
    'ignore',
  ])
  const [output] = (await Promise.race([
    once(child.stdout ?? child, 'data'),
    once(child, 'exit').then(() => ['']),
  ])) as [Buffer | string]
  const own = Number(output.toString())
  if (!(own > 0)) throw new Error('the delaying proxy did not start')
  return { host: `127.0.0.1:${own}`, stop: () => void child.stdin?.end() }
}
