import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventRequest } from '../../src/usecases/watch/registry-event.ts'
import { distribution } from '../../src/usecases/watch/sources/distribution.ts'
import { type Content, image, index } from '../support/images.ts'
import { writeLayout } from '../support/layouts.ts'
import { skopeoCopy } from '../support/real-images.ts'
import { tempFolder } from '../support/temp.ts'
import { tools } from '../support/tools.ts'
import { notificationToken, notifyingRegistry } from '../support/watch/notifying-registry.ts'
import { warmWorkplace } from '../support/workplace.ts'
import { configOf } from '../support/world.ts'

const needed = tools('docker-registry', 'skopeo')
const version = '1.4.2'

/** Pushes an image like a user does, with a client that is not dray. */
async function push(content: Content, repository: string): Promise<void> {
  const layout = join(await tempFolder(), 'layout')
  writeLayout(layout, content, version)
  await skopeoCopy(`oci:${layout}:${version}`, `docker://${repository}:${version}`)
}

function actionsOf(requests: readonly EventRequest[]): readonly string[] {
  return requests
    .flatMap(({ body }) => (JSON.parse(Buffer.from(body).toString()) as Envelope).events)
    .map(({ action, target }) => (target.tag === undefined ? action : `${action} ${target.tag}`))
}

interface Envelope {
  readonly events: readonly { readonly action: string; readonly target: { readonly tag?: string } }[]
}

function eventsOf(requests: readonly EventRequest[]) {
  return requests.flatMap((request) => distribution.parse(request))
}

describe.skipIf(!needed.available)(`notifications of docker-registry 2.8${needed.note}`, () => {
  it('give one event for a push of 5 requests, a promotion of 6, and each tag of an index', async () => {
    await using notifying = await notifyingRegistry()
    const { host } = notifying.registry
    const content = image({ label: 'api', layers: 3 })
    const { digest } = content.root

    await push(content, `${host}/staging/api`)
    const pushed = await notifying.received()
    expect(actionsOf(pushed)).toEqual([...Array<string>(4).fill('push'), `push ${version}`])
    const event = { source: 'distribution', kind: 'push', registry: host, tag: version, digest }
    expect(eventsOf(pushed)).toMatchObject([{ ...event, path: 'staging/api' }])

    const project = await warmWorkplace(configOf(host, [host]))
    await project.json('promote', `api:${version}`, '--from', 'staging', '--to', 'prod', '--yes')
    const promoted = await notifying.received()
    expect(actionsOf(promoted)).toEqual([
      `pull ${version}`,
      ...Array<string>(4).fill('mount'),
      `push ${version}`,
    ])
    expect(eventsOf(promoted)).toMatchObject([{ ...event, path: 'prod/api' }])

    await push(index(['amd64', 'arm64']), `${host}/staging/multi`)
    expect(eventsOf(await notifying.received())).toMatchObject([{ path: 'staging/multi', tag: version }])

    await notifying.oracle.request('DELETE', `/v2/prod/api/manifests/${digest}`)
    const deleted = await notifying.received()
    expect(actionsOf(deleted)).toEqual(['delete', `delete ${version}`])
    expect(eventsOf(deleted)).toMatchObject([{ kind: 'delete', path: 'prod/api', tag: version }])

    const secret = { kind: 'header', name: 'Authorization', value: notificationToken } as const
    const all = [...pushed, ...promoted, ...deleted]
    expect(all.filter((request) => !distribution.isAuthentic(request, secret, 0))).toEqual([])
  })
})
