import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import buildConnector from 'undici/lib/core/connect.js'
import { describe, expect, it } from 'vitest'
import { SpareConnections } from '../../../../src/registry/http/transport/spare-connections.ts'
import { createTransport } from '../../../../src/registry/http/transport/transport.ts'
import { notedCall, requestOf } from '../../../support/http-world.ts'
import { reply, scriptedServer } from '../../../support/scripted-server.ts'

interface World extends AsyncDisposable {
  readonly spares: SpareConnections
  /** the ends of the server in the order of their arrival */
  readonly accepted: readonly Socket[]
  /** the ends of the client in the order of their start */
  readonly opened: readonly Socket[]
  /** resolves after this many connections */
  arrived(count: number): Promise<void>
  connect(): Promise<Socket>
  /** the origin of the server */
  readonly origin: URL
}

async function world(spareCount: number): Promise<World> {
  const accepted: Socket[] = []
  const server: Server = createServer((socket) => accepted.push(socket.on('error', () => undefined)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const open = buildConnector({ allowH2: false })
  const opened: Socket[] = []
  const spares = new SpareConnections((to, callback) => {
    const socket = open(to, callback)
    opened.push(socket)
    return socket
  }, spareCount)
  const options = { hostname: '127.0.0.1', protocol: 'http:', port: String(port) }
  const taken: Socket[] = []
  return {
    origin: new URL(`http://127.0.0.1:${port}`),
    spares,
    accepted,
    opened,
    arrived: async (count) => {
      while (accepted.length < count) await once(server, 'connection')
    },
    connect: async () => {
      const socket = await new Promise<Socket>((resolve, reject) => {
        spares.connect(options, (error, mine) => (mine === null ? reject(error) : resolve(mine)))
      })
      taken.push(socket)
      return socket
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...taken, ...accepted]) socket.destroy()
      spares.close()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('spare connections', () => {
  it('are opened with the first connection, and used before further ones are opened', async () => {
    await using w = await world(2)
    const first = await w.connect()
    await w.arrived(3)
    const others = await Promise.all([w.connect(), w.connect()])
    expect(new Set([first, ...others].map((socket) => socket.localPort)).size).toBe(3)
    expect(w.accepted).toHaveLength(3)
    await w.connect()
    await w.arrived(4)
  })

  it('that the server closed are skipped', async () => {
    await using w = await world(2)
    await w.connect()
    await w.arrived(3)
    const noticed = w.opened.map((socket) => once(socket, 'close'))
    for (const socket of w.accepted) socket.destroy()
    await Promise.all(noticed)
    const next = await w.connect()
    next.write('still there')
    await w.arrived(4)
    const [chunk] = (await once(w.accepted.at(-1) as Socket, 'data')) as [Buffer]
    expect(chunk.toString()).toBe('still there')
  })

  // A proxy answers 408 to a connection without a request. A request would take it for its answer.
  it('that the server has written to are skipped', async () => {
    await using w = await world(2)
    await w.connect()
    await w.arrived(3)
    const noticed = w.opened.slice(1).map((socket) => once(socket, 'readable'))
    for (const socket of w.accepted) socket.end('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n')
    await Promise.all(noticed)
    const next = await w.connect()
    expect(next.readableLength).toBe(0)
    await w.arrived(4)
  })

  it('that cannot be opened are no error, and the next connection reports the reason', async () => {
    let attempts = 0
    const open = buildConnector({ allowH2: false })
    const spares = new SpareConnections((options, callback) => {
      attempts++
      return open({ ...options, port: '1' }, callback)
    }, 3)
    const options = { hostname: '127.0.0.1', protocol: 'http:', port: '1' }
    const failure = await new Promise((resolve) => {
      spares.connect(options, (...[error]) => resolve(error))
    })
    expect(failure).toMatchObject({ code: 'ECONNREFUSED' })
    expect(attempts).toBe(4)
  })

  it('that are unused are closed at the end', async () => {
    await using w = await world(3)
    const used = await w.connect()
    await w.arrived(4)
    const unused = w.accepted.filter((socket) => socket.remotePort !== used.localPort)
    expect(unused).toHaveLength(3)
    const gone = unused.map((socket) => once(socket.resume(), 'close'))
    w.spares.close()
    await Promise.all(gone)
    expect(used.destroyed).toBe(false)
  })
})

describe('connections that are opened before the first request', () => {
  it('are used by the first requests', async () => {
    await using w = await world(2)
    w.spares.openAhead(w.origin)
    await w.arrived(3)
    w.spares.openAhead(w.origin)
    const used = [await w.connect(), ...(await Promise.all([w.connect(), w.connect()]))]
    expect(new Set(used.map((socket) => socket.localPort)).size).toBe(3)
    expect(w.accepted).toHaveLength(3)
    expect(w.opened).toHaveLength(3)
  })

  it('are not opened again if a request has come first', async () => {
    await using w = await world(2)
    await w.connect()
    w.spares.openAhead(w.origin)
    await w.arrived(3)
    expect(w.opened).toHaveLength(3)
  })

  it('are replaced if the server has closed them', async () => {
    await using w = await world(1)
    w.spares.openAhead(w.origin)
    await w.arrived(2)
    const noticed = w.opened.map((socket) => once(socket, 'close'))
    for (const socket of w.accepted) socket.destroy()
    await Promise.all(noticed)
    expect((await w.connect()).destroyed).toBe(false)
    await w.arrived(3)
  })

  it('give the first request the reason if they cannot be opened', async () => {
    let attempts = 0
    const open = buildConnector({ allowH2: false })
    const spares = new SpareConnections((options, callback) => {
      attempts++
      return open({ ...options, port: '1' }, callback)
    }, 2)
    spares.openAhead(new URL('http://127.0.0.1:1'))
    const options = { hostname: '127.0.0.1', protocol: 'http:', port: '1' }
    const failure = await new Promise((resolve) => {
      spares.connect(options, (...[error]) => resolve(error))
    })
    expect(failure).toMatchObject({ code: 'ECONNREFUSED' })
    expect(attempts).toBe(3)
  })

  it('are closed at the end if no request has come', async () => {
    await using w = await world(2)
    w.spares.openAhead(w.origin)
    await w.arrived(3)
    const gone = w.accepted.map((socket) => once(socket.resume(), 'close'))
    w.spares.close()
    expect(await Promise.all(gone)).toHaveLength(3)
  })
})

describe('a transport that expects many requests at once', () => {
  it('opens the connections without a request, and closes them', async () => {
    const arrived = Promise.withResolvers<void>()
    const accepted: Socket[] = []
    const server = createServer((socket) => {
      if (accepted.push(socket) === 3) arrived.resolve()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const transport = createTransport({ settings: new Map(), userAgent: 'dray/test' })
    transport.expectConnections(`127.0.0.1:${port}`, 3)
    await arrived.promise
    const gone = accepted.map((socket) => once(socket.resume(), 'close'))
    await transport.close()
    expect(await Promise.all(gone)).toHaveLength(3)
    server.close()
    await once(server, 'close')
  })

  it('opens no connection to a registry behind a proxy before a request', async () => {
    await using registry = await scriptedServer((_request, response) => reply(response, 200))
    const asked = Promise.withResolvers<void>()
    const transport = createTransport({
      settings: new Map(),
      userAgent: 'dray/test',
      proxy: () => {
        asked.resolve()
        return { url: new URL('http://127.0.0.1:1'), variable: 'HTTP_PROXY' }
      },
    })
    transport.expectConnections(registry.host, 3)
    await asked.promise
    await transport.close()
    expect(registry.connections()).toBe(0)
  })

  it('opens connections only to the registry, not to hosts of its redirects', async () => {
    await using registry = await scriptedServer((_request, response) => reply(response, 200))
    await using elsewhere = await scriptedServer((_request, response) => reply(response, 200))
    const transport = createTransport({ settings: new Map(), userAgent: 'dray/test' })
    transport.expectConnections(registry.host, 4)
    const ask = async (origin: string): Promise<void> => {
      const request = { ...requestOf(`${origin}/v2/`), registry: registry.host }
      await (await transport.fetch(request, notedCall())).discard()
    }
    await ask(elsewhere.origin)
    await ask(registry.origin)
    await Promise.all([1, 2, 3, 4].map(() => ask(registry.origin)))
    expect(registry.connections()).toBe(4)
    await ask(elsewhere.origin)
    expect(elsewhere.connections()).toBe(1)
    await transport.close()
  })
})
