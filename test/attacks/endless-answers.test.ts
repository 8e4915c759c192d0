import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DrayError } from '../../src/lib/errors.ts'
import { HostGates } from '../../src/registry/http/host-gate.ts'
import { retry } from '../../src/registry/http/retry.ts'
import { TransportFailure } from '../../src/registry/http/transport/transport-failure.ts'
import { createTransport } from '../../src/registry/http/transport/transport.ts'
import { type Alarm, Watchdog, WatchdogTimer } from '../../src/registry/http/transport/watchdog.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { RepositoryReader } from '../../src/images/graph/repository-reader.ts'
import {
  blobOf,
  bytesSource,
  newCall,
  openStores,
  type ScriptedAnswer,
  scripted,
  storeAt,
} from '../registry/client/world.ts'
import { notedCall, requestOf } from '../support/http-world.ts'
import { leapingClock, manualClock } from '../support/manual-clock.ts'
import { dray } from '../support/program.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import { tempFolder } from '../support/temp.ts'

const kibibyte = 1024
const empty = Buffer.from('{}')

function pageOf(list: List, names: readonly string[], next: string | undefined): ScriptedAnswer {
  const link = next === undefined ? undefined : `<${next}>; rel="next"`
  if (list !== 'referrers') return { status: 200, headers: { link }, body: JSON.stringify({ [list]: names }) }
  const manifests = names.map((name) => ({
    mediaType: mediaTypes.manifest,
    digest: digestOf(name),
    size: 2,
    // The annotation makes the bytes of each page different.
    annotations: { page: next ?? 'last' },
  }))
  const headers = { 'content-type': mediaTypes.index, link }
  return {
    status: 200,
    headers,
    body: JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }),
  }
}

type List = 'tags' | 'repositories' | 'referrers'

/** Reads a list whose pages have the names of `namesOf`, up to the page `last`. */
async function readList(list: List, namesOf: (page: number) => readonly string[], last = Infinity) {
  const { registry, heard } = await scripted(({ path }, count) => {
    const next = count === last ? undefined : `${path.split('?')[0]}?last=${count}`
    return pageOf(list, namesOf(count), next)
  })
  const stores = openStores()
  const store = stores.source({ registry, path: 'team/api' })
  const names = async (): Promise<unknown[]> => {
    if (list === 'repositories') return await Array.fromAsync(stores.repositories(registry, newCall()))
    if (list === 'tags') return await Array.fromAsync(store.tags(newCall()))
    return [...((await store.referrers(digestOf('subject'), newCall())) ?? [])]
  }
  const ended = await names().then(
    (found) => found.length,
    (error: unknown) => error,
  )
  return { ended, requests: heard.length }
}

describe.each(['tags', 'repositories', 'referrers'] as const)('a list of %s', (list) => {
  it.each([
    ['empty pages', () => []],
    ['pages that repeat an entry', () => ['a']],
    ['pages that repeat entries in turns', (page: number) => (page % 2 === 0 ? ['a'] : ['b', 'a'])],
    ['empty pages after a full one', (page: number) => (page === 1 ? ['a', 'b'] : [])],
  ])('with endless %s is an error after 100 pages', async (_, namesOf) => {
    const { ended, requests } = await readList(list, namesOf)
    expect(ended).toMatchObject({ code: 'protocol' })
    expect(requests).toBeLessThanOrEqual(102)
  })

  it('with 99 pages without a new entry is read completely', async () => {
    const { ended } = await readList(list, (page) => (page % 100 === 1 ? [`new-${page}`] : []), 301)
    expect(ended).toBe(4)
  })

  it('with a new entry on each page is read completely', async () => {
    const { ended } = await readList(list, (page) => ['same', `new-${page}`], 300)
    expect(ended).toBe(list === 'tags' ? 600 : 301)
  })
})

describe('a chain of referrers', () => {
  it('without end is an error', async () => {
    const manifests = new Map<string, Buffer>()
    const add = (subject: { digest: string; size: number } | undefined): { digest: string; size: number } => {
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.manifest,
          config: { mediaType: mediaTypes.empty, digest: digestOf(empty), size: empty.byteLength },
          layers: [],
          ...(subject !== undefined && { subject: { mediaType: mediaTypes.manifest, ...subject } }),
        }),
      )
      const digest = digestOf(bytes)
      manifests.set(digest, bytes)
      return { digest, size: bytes.byteLength }
    }
    const image = add(undefined)
    const { registry } = await scripted(({ path }) => {
      const name = path.split('/').at(-1) ?? ''
      if (path.includes('/tags/list')) return { status: 200, body: '{"tags":["1"]}' }
      if (path.includes('/referrers/')) {
        const subject = { digest: name, size: manifests.get(name)?.byteLength ?? 0 }
        const entry = { mediaType: mediaTypes.manifest, ...add(subject) }
        const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] })
        return { status: 200, headers: { 'content-type': mediaTypes.index }, body }
      }
      const bytes = manifests.get(name === '1' ? image.digest : name)
      if (bytes === undefined) return { status: 404 }
      const headers = { 'content-type': mediaTypes.manifest, 'content-length': String(bytes.byteLength) }
      return { status: 200, headers: { ...headers, 'docker-content-digest': digestOf(bytes) }, body: bytes }
    })
    const reader = new RepositoryReader(openStores().source({ registry, path: 'team/api' }))
    const reading = reader.read({ roots: [], referrers: 'all' }, newCall())
    await expect(reading).rejects.toMatchObject({ code: 'unsupported' })
    expect(manifests.size).toBeLessThan(20)
  })
})

describe('an upload', () => {
  it('ends if the registry accepts one byte in each attempt', async () => {
    const bytes = Buffer.alloc(100 * kibibyte, 'x')
    let taken = 0
    const { registry, heard } = await scripted(({ method }) => {
      const location = `/v2/team/api/blobs/uploads/${taken}`
      if (method === 'HEAD') return { status: 404 }
      if (method === 'POST') return { status: 202, headers: { location } }
      if (method === 'GET') return { status: 204, headers: { location, range: `0-${taken++}` } }
      return method === 'DELETE' ? { status: 204 } : { status: 500 }
    })
    const uploads = { wholeUpTo: 0, chunk: 10 * kibibyte }
    const put = storeAt(registry, { uploads }).putBlob(blobOf(bytes), bytesSource(bytes), newCall())
    await expect(put).rejects.toMatchObject({ code: 'unavailable' })
    expect(heard.length).toBeLessThan(2_000)
  })
})

describe('a download', () => {
  it.each([true, false])(
    'ends if the registry sends one byte in each answer (by range: %s)',
    async (ranges) => {
      const bytes = Buffer.alloc(100 * kibibyte, 'x')
      let given = 0
      const { registry, heard } = await scripted(({ headers }) => {
        const first = Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1] ?? 0)
        const chunked = { 'transfer-encoding': 'chunked' }
        if (!ranges || first === 0) return { status: 200, headers: chunked, body: bytes.subarray(0, ++given) }
        const range = `bytes ${first}-${bytes.length - 1}/${bytes.length}`
        return { status: 206, headers: { ...chunked, 'content-range': range }, body: 'x' }
      })
      const reading = storeAt(registry)
        .blob(blobOf(bytes), 0, newCall())
        .then((stream) => Array.fromAsync(stream))
      await expect(reading).rejects.toMatchObject({ code: 'network' })
      expect(heard.length).toBeLessThan(12)
    },
  )
})

/** A watchdog with a manual clock, and its alarms. */
function watched() {
  const clock = manualClock()
  const alarms: Alarm[] = []
  const dog = new Watchdog(new WatchdogTimer(clock), (alarm) => void alarms.push(alarm))
  return { clock, alarms, dog }
}

describe('the minimum rate of a transfer', () => {
  it.each(['request', 'response'] as const)(
    'ends a %s body of a byte each second after 30 s',
    async (body) => {
      const { clock, alarms, dog } = watched()
      dog.watch(30_000, body)
      for (let second = 1; second < 30; second++) {
        await clock.advance(1_000)
        dog.moved(1)
      }
      expect(alarms).toEqual([])
      await clock.advance(1_000)
      expect(alarms).toEqual([{ kind: 'slow', ms: 30_000, bytes: 29 }])
    },
  )

  it('allows a transfer that is just fast enough', async () => {
    const { clock, alarms, dog } = watched()
    dog.watch(30_000, 'response')
    for (let second = 1; second <= 600; second++) {
      await clock.advance(1_000)
      dog.moved(1.1 * kibibyte)
    }
    expect(alarms).toEqual([])
    dog.stop()
  })

  it('ends a transfer that was fast and became slow within a minute', async () => {
    const { clock, alarms, dog } = watched()
    dog.watch(30_000, 'response')
    dog.moved(1e6)
    for (let second = 1; second <= 60; second++) {
      await clock.advance(1_000)
      dog.moved(10)
    }
    expect(alarms).toMatchObject([{ kind: 'slow' }])
  })

  it('does not count the time in which dray reads nothing', async () => {
    const { clock, alarms, dog } = watched()
    dog.watch(30_000, 'response')
    for (let turn = 1; turn <= 100; turn++) {
      dog.moved(100)
      dog.rest()
      await clock.advance(60_000)
      dog.wake()
      await clock.advance(1)
    }
    expect(alarms).toEqual([])
    dog.stop()
  })

  it('does not count the time in which an upload waits for its source', async () => {
    const { clock, alarms, dog } = watched()
    for (let turn = 1; turn <= 100; turn++) {
      dog.watch(360_000, undefined)
      await clock.advance(20_000)
      dog.watch(30_000, 'request')
      dog.moved(100)
      await clock.advance(10)
    }
    expect(alarms).toEqual([])
    dog.stop()
  })

  it('does not count the time of a slow upload for its answer', async () => {
    const { clock, alarms, dog } = watched()
    dog.watch(30_000, 'request')
    await clock.advance(20_000)
    dog.moved(10)
    dog.watch(60_000, undefined)
    await clock.advance(50_000)
    dog.watch(30_000, 'response')
    await clock.advance(20_000)
    expect(alarms).toEqual([])
    dog.stop()
  })
})

/** A server, and a transport with a manual clock. */
async function line(script: Parameters<typeof scriptedServer>[0]) {
  const server = await scriptedServer(script)
  const clock = manualClock()
  const transport = createTransport({ settings: new Map(), userAgent: 'dray/test', clock })
  return {
    server,
    clock,
    transport,
    [Symbol.asyncDispose]: async () => {
      await transport.close()
      await server[Symbol.asyncDispose]()
    },
  }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('an exchange', () => {
  it.each([200, 401, 500])(
    'with a slow body (%i) ends, and the error has the received bytes',
    async (status) => {
      let sendByte = (): void => undefined
      await using w = await line((_request, response) => {
        response.writeHead(status, { 'content-length': '1000' }).write('x')
        sendByte = () => void response.write('x')
      })
      const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
      const read = response.bytes(1000).then(
        () => undefined,
        (error: unknown) => error,
      )
      for (let second = 1; second <= 30; second++) {
        sendByte()
        await turns(20)
        await w.clock.advance(1_000)
      }
      expect(await read).toMatchObject({
        code: 'timeout',
        message: `${w.server.host} is too slow`,
        why: expect.stringMatching(
          /^dray transferred \d\d bytes in 30 s while receiving, and requires 1 KiB\/s$/,
        ),
      })
    },
  )

  it('with a small complete body succeeds, however late it is read', async () => {
    await using w = await line((_request, response) => {
      response.writeHead(200, { 'content-length': '3' }).end('abc')
    })
    const response = await w.transport.fetch(requestOf(w.server.origin), notedCall())
    await turns(50)
    await w.clock.advance(10 * 60_000)
    expect(Buffer.from(await response.bytes(3)).toString()).toBe('abc')
  })

  it('with slow headers ends after 60 s, informational responses included', async () => {
    let sendByte = (): void => undefined
    await using w = await line((_request, response) => {
      sendByte = () => response.writeProcessing()
    })
    const pending = w.transport.fetch(requestOf(w.server.origin), notedCall()).then(
      () => undefined,
      (error: unknown) => error,
    )
    while (w.server.seen.length === 0) await w.clock.advance(0)
    for (let second = 1; second <= 61; second++) {
      sendByte()
      await turns(5)
      await w.clock.advance(1_000)
    }
    expect(await pending).toMatchObject({ code: 'timeout' })
  })
})

it('a proxy that answers CONNECT slowly ends the attempt after 10 s', async () => {
  const clock = manualClock()
  let sendByte = (): void => undefined
  const proxy = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ')
      sendByte = () => void socket.write('x')
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  const transport = createTransport({
    settings: new Map(),
    userAgent: 'dray/test',
    clock,
    proxy: () => ({ url: new URL(`http://127.0.0.1:${port}`), variable: 'HTTPS_PROXY' }),
  })
  onTestFinished(async () => {
    await transport.close()
    proxy.close()
  })
  let ended: unknown
  const pending = transport.fetch(requestOf('https://registry.example'), notedCall()).catch((error) => {
    ended = error
  })
  await clock.sleepers(1)
  for (let second = 1; second < 10; second++) {
    await clock.advance(1_000)
    sendByte()
    await turns(20)
  }
  expect(ended).toBeUndefined()
  await clock.advance(1_000)
  await pending
  expect(ended).toMatchObject({
    code: 'network',
    message: `the proxy http://127.0.0.1:${port} did not connect to registry.example`,
    why: 'it did not answer in time',
  })
})

it('a request for a token that is too slow gets two attempts', async () => {
  const clock = leapingClock()
  let tries = 0
  const slow = new DrayError('timeout', 'too slow', { cause: new TransportFailure('too slow', 'SLOW', true) })
  const gates = new HostGates(clock, 1_000)
  const send = retry({ clock, random: () => 0, gates })(() => {
    tries++
    return Promise.reject(slow)
  })
  const sent = send(requestOf('http://registry.example/token'), notedCall())
  await expect(sent).rejects.toMatchObject({ code: 'timeout' })
  expect(tries).toBe(2)
})

it('dray ls ends for a list with endless empty pages', async () => {
  const { registry, heard } = await scripted(({ path }, count) =>
    pageOf('tags', [], `${path.split('?')[0]}?last=${count}`),
  )
  const cwd = await tempFolder()
  const ended = await dray(['ls', `${registry}/team/api`], { cwd, env: { HOME: cwd } })
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('100 pages in a row') })
  expect(heard.length).toBeLessThanOrEqual(102)
})
