import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RegistryResponse } from '../../../src/registry/http/fetch.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { notedCall, requestOf } from '../../support/http-world.ts'
import { leapingClock } from '../../support/manual-clock.ts'

/** A server that sends fixed bytes to every client, and counts the requests. */
async function speaking(answer: (socket: Socket) => void) {
  let requests = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => {
      requests++
      answer(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, requests: () => requests }
}

async function ask(origin: string): Promise<Uint8Array> {
  return await (await request(origin)).bytes(1000)
}

async function request(origin: string): Promise<RegistryResponse> {
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => undefined,
    userAgent: 'dray/test',
    clock: leapingClock(),
  })
  onTestFinished(() => stack.close())
  return await stack.fetch(requestOf(origin), notedCall())
}

describe('a server that is no registry', () => {
  it('and uses another protocol is an error after a few attempts', async () => {
    const peer = await speaking((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n'))
    await expect(ask(peer.origin)).rejects.toMatchObject({
      code: 'network',
      message: `${new URL(peer.origin).host} did not send an HTTP response`,
    })
    expect(peer.requests()).toBe(4)
  })

  it('and sends endless headers is disconnected', async () => {
    const peer = await speaking((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      for (let i = 0; i < 2000; i++) socket.write(`x-${i}: ${'a'.repeat(100)}\r\n`)
    })
    await expect(ask(peer.origin)).rejects.toMatchObject({ code: 'network', why: /Headers Overflow/ })
  })
})

describe('an answer', () => {
  it('is the one after an informational 103', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'
    const peer = await speaking((socket) =>
      socket.end(`${early}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`),
    )
    expect(Buffer.from(await ask(peer.origin)).toString()).toBe('ok')
  })

  it('in chunks with trailers has the bytes of its chunks', async () => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n'
    const peer = await speaking((socket) => socket.end(`${head}2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n`))
    expect(Buffer.from(await ask(peer.origin)).toString()).toBe('ok')
  })

  it('with two lengths, or a length and chunks, is refused', async () => {
    for (const framing of [
      'content-length: 2\r\ncontent-length: 3\r\n',
      'content-length: 2\r\ntransfer-encoding: chunked\r\n',
    ]) {
      const peer = await speaking((socket) => socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\nok`))
      await expect(ask(peer.origin)).rejects.toMatchObject({ code: 'network' })
    }
  })

  it('has the value of a header once if a proxy repeats it, and both values if they differ', async () => {
    const repeated =
      'docker-content-digest: a\r\nDocker-Content-Digest: a\r\nlocation: /x\r\nlocation: /y\r\n'
    const peer = await speaking((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${repeated}content-length: 0\r\n\r\n`),
    )
    const { headers } = await request(peer.origin)
    expect(headers.get('docker-content-digest')).toBe('a')
    expect(headers.get('location')).toBe('/x, /y')
  })

  it('with endless 1xx responses is an error', async () => {
    const peer = await speaking((socket) => {
      const more = (error?: Error | null): void => {
        if (error == null && !socket.destroyed) socket.write('HTTP/1.1 103 Early\r\n\r\n', more)
      }
      more()
    })
    const stack = createFetch({
      settings: new Map(),
      credentials: async () => undefined,
      userAgent: 'dray/test',
      clock: leapingClock(),
      transferClock: leapingClock(),
    })
    onTestFinished(() => stack.close())
    await expect(stack.fetch(requestOf(peer.origin), notedCall())).rejects.toMatchObject({ code: 'timeout' })
  })
})
