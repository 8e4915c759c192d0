import { expect, it } from 'vitest'
import { type Fault, faultyProxy, type Injury } from '../support/faulty-proxy.ts'
import { type Content, image } from '../support/images.ts'
import { leapingClock } from '../support/manual-clock.ts'
import { bench, promote, repository } from '../support/promotion.ts'
import { watchedRegistry } from '../support/world.ts'

const copies = 8
/** A layer of 1 MiB, so that its uploads would overlap. */
const images = Array.from({ length: copies }, (_, i) => ({
  name: `app-${i}`,
  content: image({ label: `app-${i}`, layers: ['shared'], layerSize: 1024 ** 2 }),
}))
const shared = largest(images[0]?.content)

function largest(content: Content | undefined): string {
  const [[digest] = ['']] = [...(content?.blobs ?? [])].sort(([, a], [, b]) => b.length - a.length)
  return digest
}

const refused: Injury = {
  kind: 'answer',
  status: 403,
  body: { errors: [{ code: 'DENIED', message: 'quota exceeded' }] },
}
const put = { method: 'PUT', path: new RegExp(`digest=${encodeURIComponent(shared)}`) }
const head = { method: 'HEAD', path: new RegExp(`/blobs/${shared}`) }

it.each<[string, Fault]>([
  ['is refused', { at: put, injury: refused }],
  ['cannot be checked', { at: head, times: 8, injury: { kind: 'answer', status: 503 } }],
  [
    'breaks until there are no more retries',
    { at: put, times: 8, injury: { kind: 'reset', when: 'before' } },
  ],
  [
    'gets 503 until there are no more retries',
    { at: put, times: 8, injury: { kind: 'answer', status: 503 } },
  ],
])(
  'eight images go to two registries: if the first upload of their layer %s, one other image uploads it',
  async (_, fault) => {
    await using staging = await watchedRegistry()
    await using eu = await watchedRegistry()
    await using us = await watchedRegistry()
    await using proxy = await faultyProxy(eu.host, fault)
    await using run = await bench({ clock: leapingClock() })
    for (const { name, content } of images) await staging.oracle.push(content, `staging/${name}`, '1.4.2')

    const done = await promote(
      run,
      ...images.map(({ name }) => ({
        from: repository(staging, `staging/${name}`),
        to: [repository(proxy, `prod/${name}`), repository(us, `prod/${name}`)],
        policy: { partial: true },
      })),
    )

    expect(done.placements.filter(({ status }) => status === 'failed')).toHaveLength(1)
    expect(done.placements.filter(({ status }) => status === 'promoted')).toHaveLength(2 * copies - 1)
    const isUpload = ({ method, path }: { method: string; path: string }): boolean =>
      method === put.method && put.path.test(path)
    expect(proxy.passed.filter((one) => isUpload(one) && one.injury === undefined)).toHaveLength(1)
    const mounts = (registry: typeof eu): number =>
      registry.requests.filter(
        ({ method, query, status }) => method === 'POST' && query.get('mount') === shared && status === 201,
      ).length
    expect([mounts(eu), mounts(us)]).toEqual([copies - 2, copies - 1])
  },
)
