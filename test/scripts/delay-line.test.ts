import { array, assert, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DelayLine, mostUnderWay } from '../../scripts/bench/delay-line.ts'

/** A line with its own clock, and its output with times. */
function line(options: { readonly delay: number; readonly notBefore?: number; readonly takes?: number }) {
  let now = 0
  let taken = 0
  const waiting: { at: number; what: () => void }[] = []
  const out: { at: number; text: string }[] = []
  const subject = new DelayLine({
    delay: options.delay,
    notBefore: options.notBefore ?? 0,
    now: () => now,
    wake: (afterMs, what) => waiting.push({ at: now + afterMs, what }),
    out: {
      write: (bytes) => {
        out.push({ at: now, text: Buffer.from(bytes).toString() })
        return ++taken < (options.takes ?? Number.POSITIVE_INFINITY)
      },
      end: () => out.push({ at: now, text: 'end' }),
    },
  })
  return {
    out,
    subject,
    sendAt: (at: number, text: string | undefined) => {
      passUntil(at)
      subject.send(text === undefined ? undefined : Buffer.from(text))
    },
    passUntil,
  }
  function passUntil(end: number): void {
    for (;;) {
      const [next] = waiting.sort((a, b) => a.at - b.at)
      if (next === undefined || next.at > end) break
      waiting.shift()
      now = next.at
      next.what()
    }
    now = end
  }
}

describe('the line of the delaying proxy', () => {
  it('delivers bytes in order, each after the delay, and the end last', () => {
    assert(
      property(array(nat(100)), nat(80), (gaps, delay) => {
        const { sendAt, passUntil, out } = line({ delay })
        let at = 0
        const sent = gaps.map((gap, index) => {
          at += gap
          sendAt(at, String(index))
          return { at: at + delay, text: String(index) }
        })
        sendAt(at, undefined)
        passUntil(at + delay)
        expect(out.map(({ text }) => text)).toEqual([...sent.map(({ text }) => text), 'end'])
        for (const [index, expected] of sent.entries())
          expect(Math.abs((out[index]?.at ?? -1) - expected.at)).toBeLessThanOrEqual(0.5)
      }),
    )
  })

  it('delivers nothing before the connection is established', () => {
    const { sendAt, passUntil, out } = line({ delay: 10, notBefore: 30 })
    sendAt(0, 'early')
    sendAt(25, 'late')
    passUntil(100)
    expect(out).toEqual([
      { at: 30, text: 'early' },
      { at: 35, text: 'late' },
    ])
  })

  it('waits for a full far end, and reports when it is full', () => {
    const { sendAt, subject, passUntil, out } = line({ delay: 10, takes: 1 })
    sendAt(0, 'a')
    sendAt(0, 'b'.repeat(mostUnderWay))
    expect(subject.isFull).toBe(true)
    passUntil(100)
    expect(out.map(({ text }) => text)).toEqual(['a'])
    subject.drained()
    expect(out).toHaveLength(2)
    expect(subject.isFull).toBe(false)
  })
})
