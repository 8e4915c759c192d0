import type { EventRequest } from '../../../src/usecases/watch/registry-event.ts'
import { type DockerRegistry, startDockerRegistry } from '../docker-registry.ts'
import { image } from '../images.ts'
import { Oracle } from '../oracle.ts'
import { scriptedServer } from '../scripted-server.ts'

/** A real docker-registry with an endpoint that keeps its notifications. */
export interface NotifyingRegistry extends AsyncDisposable {
  readonly registry: DockerRegistry
  readonly oracle: Oracle
  /** The requests since the last call, in order. */
  received(): Promise<readonly EventRequest[]>
}

/** The value of the header that authenticates its notifications. */
export const notificationToken = 'Bearer of-the-test'

/** Starts docker-registry and its endpoint on free ports of 127.0.0.1. */
export async function notifyingRegistry(): Promise<NotifyingRegistry> {
  const requests: EventRequest[] = []
  const waiting = new Map<string, () => void>()
  const endpoint = await scriptedServer(({ method, headers, body }, response) => {
    response.writeHead(202).end()
    const values = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
    requests.push({ method, headers: new Map(values), body })
    for (const [mark, arrived] of waiting) if (body.includes(`"tag": "${mark}"`)) arrived()
  })
  const notify = { url: `${endpoint.origin}/`, headers: { Authorization: notificationToken } }
  const registry = await startDockerRegistry({ notify })
  const oracle = new Oracle(registry.url)
  const last = image({ label: 'the end of the notifications' })
  let marks = 0
  return {
    registry,
    oracle,
    received: async () => {
      // The registry sends its events in order. Once this one has arrived, all earlier ones have.
      const mark = `mark-${++marks}`
      const arrival = new Promise<void>((resolve) => waiting.set(mark, resolve))
      await oracle.push(last, 'mark', mark)
      await arrival
      return requests.splice(0).filter(({ body }) => !Buffer.from(body).includes('"repository": "mark"'))
    },
    [Symbol.asyncDispose]: async () => {
      await registry.stop()
      await endpoint[Symbol.asyncDispose]()
    },
  }
}
