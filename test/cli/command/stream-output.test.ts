import { PassThrough, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { streamOutput } from '../../../src/cli/command/stream-output.ts'

const never = new AbortController().signal

function failing(code: string): Writable {
  const output = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
  })
  return output.on('error', () => undefined)
}

describe('pour', () => {
  it('reads a chunk only after the one before was accepted', async () => {
    const asked: number[] = []
    const take: (() => void)[] = []
    const output = new Writable({ write: (_chunk, _encoding, done) => void take.push(done) })
    async function* chunks() {
      for (let i = 0; i < 3; i++) {
        asked.push(i)
        yield String(i)
      }
    }
    const poured = streamOutput(chunks(), output, never)
    for (let i = 0; i < 3; i++) {
      while (take.length === 0) await new Promise(setImmediate)
      expect(asked).toHaveLength(i + 1)
      take.shift()?.()
    }
    await poured
  })

  it('ends without an error if the reader has gone, and closes its source', async () => {
    let isClosed = false
    async function* endless() {
      try {
        for (;;) yield 'y\n'
      } finally {
        isClosed = true
      }
    }
    await streamOutput(endless(), failing('EPIPE'), never)
    expect(isClosed).toBe(true)
  })

  it('reports a full disk', async () => {
    async function* one() {
      yield 'x'
    }
    await expect(streamOutput(one(), failing('ENOSPC'), never)).rejects.toMatchObject({ code: 'io' })
  })

  it('does not wait for a stalled reader after the signal', async () => {
    const stop = new AbortController()
    const output = new PassThrough({ highWaterMark: 1 })
    async function* endless() {
      for (;;) yield 'x'.repeat(1000)
    }
    const poured = streamOutput(endless(), output, stop.signal)
    stop.abort(new Error('enough'))
    await expect(poured).rejects.toThrow('enough')
  })
})
