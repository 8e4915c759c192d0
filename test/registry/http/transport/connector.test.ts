import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ReadBuffers } from '../../../../src/registry/http/bodies/read-buffers.ts'
import { createConnector } from '../../../../src/registry/http/transport/connector.ts'
import { scriptedServer } from '../../../support/scripted-server.ts'
import { testAuthority, testCertificate } from '../../../support/tls.ts'

describe('a connection that reads into shared buffers', () => {
  // Otherwise a body gives the next piece while this one is queued, and its buffer is used again.
  it.each(['http:', 'https:'])('of %s takes more only when the system has every byte', async (protocol) => {
    const isTls = protocol === 'https:'
    await using server = await scriptedServer(() => undefined, isTls ? { tls: testCertificate } : {})
    const open = await createConnector(new ReadBuffers(), isTls ? { ca: testAuthority } : undefined)
    const { hostname, host, port } = new URL(server.origin)
    const socket = await new Promise<Socket>((resolve, reject) => {
      open({ hostname, host, port, protocol }, (error, opened) => {
        if (error === null) resolve(opened)
        else reject(error)
      })
    })
    const takesMore = socket.write('a')
    expect(takesMore).toBe(socket.writableLength === 0)
    if (!takesMore) await new Promise((resolve) => socket.once('drain', resolve))
    expect(socket.writableLength).toBe(0)
    socket.destroy()
  })
})
