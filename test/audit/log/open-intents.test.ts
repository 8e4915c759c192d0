import { describe, expect, it } from 'vitest'
import { startOfChain } from '../../../src/audit/log/chain.ts'
import { OpenIntents } from '../../../src/audit/log/open-intents.ts'
import { outcome, record, tagStep } from '../../support/audit-log.ts'

describe('the settled position', () => {
  const step = (n: number) => tagStep(`s${n}`)
  const at = (seq: number) => ({ seq, prev: null })
  const end = { ...startOfChain, seq: 9, size: 900 }

  it('is before the first open intent, also if intents were noted twice', () => {
    const open = new OpenIntents()
    const note = (from: number): void => {
      for (let n = from; n < 4; n++) open.note({ ...record({ step: step(n) }), ...at(n + 1) }, n * 100)
    }
    note(0)
    expect(open.settled(end)).toEqual({ seq: 0, offset: 0 })
    note(2)
    open.note({ ...outcome({ step: step(0) }), ...at(5) }, 400)
    open.note({ ...outcome({ step: step(2) }), ...at(6) }, 500)
    expect(open.settled(end)).toEqual({ seq: 1, offset: 100 })
    open.note({ ...outcome({ step: step(1) }), ...at(7) }, 600)
    expect(open.settled(end)).toEqual({ seq: 3, offset: 300 })
    open.note({ ...outcome({ step: step(3) }), ...at(8) }, 700)
    expect(open.settled(end)).toEqual({ seq: 9, offset: 900 })
  })

  it('of a log that was forgotten is its end', () => {
    const open = new OpenIntents()
    open.note({ ...record(), ...at(1) }, 0)
    open.clear()
    expect(open.settled(end)).toEqual({ seq: 9, offset: 900 })
  })
})
