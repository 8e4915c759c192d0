import type { EventRequest } from '../../../src/usecases/watch/registry-event.ts'
import { type DockerRegistry, startDockerRegistry } from '../docker-registry.ts'
import { image } from '../images.ts'
import { Oracle } from '../oracle.ts'
import { scriptedServer } from '../scripted-server.ts'

/** A request of the registry, with the status that it was answered with. */
interface Notification extends EventRequest {
  readonly status: number
}

/** A real docker-registry with an endpoint that keeps its notifications. */
export interface NotifyingRegistry extends AsyncDisposable {
  readonly registry: DockerRegistry
  readonly oracle: Oracle
  /** Passes each further request to this URL too, and answers with its status. */
  forwardTo(url: string): void
  /** The requests since the last call, in order. */
  received(): Promise<readonly Notification[]>
  /** Resolves when a push of a tag to this repository has been answered. */
  pushTo(path: string): Promise<void>
}

/** The value of the header that authenticates its notifications. */
export const notificationToken = 'Bearer of-the-test'

/** The registry repeats a request with this answer. */
const unavailable = 503

/** Starts docker-registry and its endpoint on free ports of 127.0.0.1. */
export async function notifyingRegistry(): Promise<NotifyingRegistry> {
  const kept: Notification[] = []
  const waiting = new Map<string, () => void>()
  let target: string | undefined
  const endpoint = await scriptedServer(async ({ method, headers, body }, response) => {
    const values = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
    const request = { method, headers: new Map(values), body }
    const status = target === undefined ? 202 : await forward(request, target)
    response.writeHead(status).end()
    // The registry repeats requests that were not accepted.
    kept.push({ ...request, status })
    for (const name of status < 300 ? namesIn(body) : []) waiting.get(name)?.()
  })
  const notify = { url: `${endpoint.origin}/`, headers: { Authorization: notificationToken } }
  const registry = await startDockerRegistry({ notify })
  const oracle = new Oracle(registry.url)
  const last = image({ label: 'the end of the notifications' })
  const arrival = (name: string): Promise<void> => new Promise((resolve) => waiting.set(name, resolve))
  let marks = 0
  return {
    registry,
    oracle,
    forwardTo: (url) => void (target = url),
    pushTo: arrival,
    received: async () => {
      // The registry sends its events in order. Once this one has arrived, all earlier ones have.
      const mark = `mark-${++marks}`
      const arrived = arrival(mark)
      await oracle.push(last, mark, '1')
      await arrived
      return kept.splice(0).filter(({ body }) => !Buffer.from(body).includes('"repository": "mark-'))
    },
    [Symbol.asyncDispose]: async () => {
      await registry.stop()
      await endpoint[Symbol.asyncDispose]()
    },
  }
}

/** The repositories to which tags were pushed. */
function namesIn(body: Uint8Array): readonly string[] {
  const { events } = JSON.parse(Buffer.from(body).toString()) as {
    readonly events: readonly {
      readonly action: string
      readonly target: { readonly repository: string; readonly tag?: string }
    }[]
  }
  return events.flatMap(({ action, target: { repository, tag } }) =>
    action === 'push' && tag !== undefined ? [repository] : [],
  )
}

async function forward({ headers, body }: EventRequest, url: string): Promise<number> {
  const sent = ['authorization', 'content-type', 'user-agent'].flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === undefined ? [] : [[name, value]]
  })
  try {
    const response = await fetch(url, { method: 'POST', headers: sent, body: Buffer.from(body) })
    await response.arrayBuffer()
    return response.status
  } catch {
    return unavailable
  }
}
