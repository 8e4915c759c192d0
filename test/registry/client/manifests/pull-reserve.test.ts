import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { SourceRepository } from '../../../../src/images/ports.ts'
import { notedCall } from '../../../support/http-world.ts'
import { leapingClock } from '../../../support/manual-clock.ts'
import { reply, type ScriptedServer, scriptedServer } from '../../../support/scripted-server.ts'
import { openStack, openStores } from '../world.ts'

const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
    layers: [],
  }),
)
const headers = {
  'content-type': 'application/vnd.oci.image.manifest.v1+json',
  'docker-content-digest': digestOf(manifest),
}

interface Hub extends ScriptedServer {
  /** pulls left; undefined: the account has no quota */
  remaining: number | undefined
  /** the requests for manifests, by method */
  count(method: 'GET' | 'HEAD'): number
}

/** A registry with a quota as Docker Hub has it: each GET of a manifest is a pull. */
async function hub(remaining: number | undefined): Promise<Hub> {
  const state = { remaining }
  const server = await scriptedServer((request, response) => {
    if (request.method === 'GET' && state.remaining !== undefined) state.remaining--
    const quota =
      state.remaining === undefined
        ? {}
        : { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${state.remaining};w=21600` }
    const length = { 'content-length': String(manifest.byteLength) }
    reply(response, 200, { ...headers, ...quota, ...length }, request.method === 'HEAD' ? '' : manifest)
  })
  return Object.assign(state, server, {
    count: (method: string) => server.seen.filter((request) => request.method === method).length,
  })
}

/** Repositories of a run that leaves 40 pulls of `limited`. */
function repositories(limited: ScriptedServer, clock = leapingClock()) {
  const stores = openStores({
    ...openStack(clock),
    reservedPulls: (registry) => (registry === limited.host ? 40 : undefined),
  })
  return (server: ScriptedServer): SourceRepository =>
    stores.source({ registry: server.host, path: 'library/alpine' })
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

const pull = (repository: SourceRepository, tag: string) => repository.findManifest({ tag }, notedCall())

describe('reservePulls', () => {
  it('refuses the first pull of a run if the quota is at the reserve, and says when it resets', async () => {
    await using server = await hub(40)
    await using other = await hub(1)
    const source = repositories(server)
    expect(await failure(pull(source(server), '3.20'))).toMatchObject({
      code: 'refused',
      subject: server.host,
      message: `${server.host} has 40 pulls left of its quota of 100`,
      hint: expect.stringContaining('2026-11-23T06:00:00.000Z') as string,
    })
    expect([server.count('GET'), server.count('HEAD')]).toEqual([0, 1])
    expect(await pull(source(other), '3.20')).toBeDefined()
  })

  it('refuses the pull that would go below the reserve, also among many at once', async () => {
    await using server = await hub(45)
    const source = repositories(server)(server)
    const pulls = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => pull(source, `3.${i}`)))
    expect(pulls.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    expect(server.remaining).toBe(40)
  })

  it('counts no HEAD as a pull', async () => {
    await using server = await hub(41)
    const source = repositories(server)(server)
    for (let i = 0; i < 5; i++) await source.resolve({ tag: `3.${i}` }, notedCall())
    expect(await pull(source, '3.20')).toBeDefined()
    expect(server.remaining).toBe(40)
  })

  it('does not limit an account without a quota', async () => {
    await using server = await hub(undefined)
    const source = repositories(server)(server)
    for (let i = 0; i < 5; i++) expect(await pull(source, `3.${i}`)).toBeDefined()
    expect([server.count('GET'), server.count('HEAD')]).toEqual([5, 1])
  })

  it('permits pulls again after the quota was reset', async () => {
    await using server = await hub(40)
    const clock = leapingClock()
    const source = repositories(server, clock)(server)
    expect(await failure(pull(source, '3.20'))).toMatchObject({ code: 'refused' })
    server.remaining = 100
    await clock.sleep(3600_000, new AbortController().signal)
    expect(await pull(source, '3.20')).toBeDefined()
  })

  it('asks a registry that is at the reserve no more than once in a minute', async () => {
    await using server = await hub(12)
    const source = repositories(server)(server)
    for (let i = 0; i < 10; i++)
      expect(await failure(pull(source, `3.${i}`))).toMatchObject({ code: 'refused' })
    expect(server.seen).toHaveLength(1)
  })

  it('sends no request of its own for a registry without a reserve', async () => {
    await using server = await hub(1)
    await using other = await hub(0)
    await pull(repositories(server)(other), '3.20')
    expect([other.count('GET'), other.count('HEAD')]).toEqual([1, 0])
  })

  it('ends a wait for other pulls with the reason of a cancelled call', async () => {
    await using server = await scriptedServer((request, response) => {
      const quota = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '41;w=21600' }
      if (request.method === 'HEAD')
        reply(response, 200, { ...headers, ...quota, 'content-length': String(manifest.byteLength) })
    })
    const source = repositories(server)(server)
    const call = notedCall()
    const first = failure(source.findManifest({ tag: '1' }, call))
    while (server.seen.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const second = failure(source.findManifest({ tag: '2' }, call))
    await new Promise((resolve) => setImmediate(resolve))
    call.abort(new Error('stop'))
    expect(await second).toMatchObject({ message: 'stop' })
    await first
    expect(server.seen).toHaveLength(2)
  })
})

describe('429 with a date', () => {
  it('ends the pulls of that registry with the date, and others continue', async () => {
    const until = 'Mon, 23 Nov 2026 03:00:00 GMT'
    await using limited = await scriptedServer((_request, response) =>
      reply(response, 429, { 'retry-after': until }),
    )
    await using other = await hub(100)
    const source = repositories(other)
    expect(await failure(pull(source(limited), '3.20'))).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('2026-11-23T03:00:00.000Z') as string,
    })
    expect(limited.seen).toHaveLength(1)
    expect(await pull(source(other), '3.20')).toBeDefined()
  })
})
