import { rmSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { chainComplaints, entriesOf, openLog, refusal, waitingClock } from '../../support/audit-log.ts'
import { hookedLog } from '../../support/suspended-writer.ts'
import { tempFolder } from '../../support/temp.ts'

/**
 * Suspends one of two writers before operations on the file, for so long that the other one takes
 * over its lock, and lets the other one continue.
 */
class Suspensions {
  readonly #path: string
  /** whether the writer is suspended, at each of the first operations of both writers */
  readonly #plan: Iterator<boolean, undefined>
  readonly #suspended: (() => void)[] = [() => undefined, () => undefined]

  constructor(path: string, plan: readonly boolean[]) {
    this.#path = path
    this.#plan = plan.values()
  }

  async before(writer: 0 | 1): Promise<void> {
    if (this.#plan.next().value !== true) return
    this.resumeOther(writer)
    await new Promise<void>((resolve) => (this.#suspended[writer] = resolve))
  }

  resumeOther(writer: 0 | 1): void {
    rmSync(`${this.#path}.lock`, { force: true })
    const other = writer === 0 ? 1 : 0
    this.#suspended[other]?.()
  }
}

/**
 * A clock that stands still, so that no writer takes over the lock of one that is only slow. A
 * suspended writer loses its lock by `Suspensions`.
 */
const stillClock: Clock = {
  now: () => Date.UTC(2026, 10, 23),
  sleep: (ms, signal) => (ms >= 1_000 ? waitingClock().sleep(ms, signal) : turn()),
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Writes the groups one after the other and returns the ids that were acknowledged. */
async function writeAll(
  path: string,
  writer: 0 | 1,
  groups: readonly (readonly AuditRecord[])[],
  suspensions: Suspensions,
): Promise<readonly string[]> {
  const log = hookedLog(path, () => suspensions.before(writer), stillClock)
  const acknowledged: string[] = []
  for (const group of groups) {
    await log.write(group).then(
      () => acknowledged.push(...group.map(({ id }) => id)),
      (error: unknown) =>
        expect(error).toMatchObject({
          code: 'audit',
          // Both are reasons to give up after five attempts.
          why: expect.stringMatching(/another process wrote|lost the lock/) as string,
        }),
    )
  }
  suspensions.resumeOther(writer)
  return acknowledged
}

it('two writers that are suspended at any operations leave one chain with every acknowledged record once, in order (seed 7)', async () => {
  const plans = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)), {
    maxLength: 80,
  })
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const path = `${await tempFolder()}/audit.jsonl`
      const suspensions = new Suspensions(path, plan)
      const groups = ([0, 1] as const).map((writer) =>
        [3, 1, 2].map((size, g) =>
          Array.from({ length: size }, (_, i) =>
            refusal({ id: `w${writer}-${g}-${i}`, run: `run-${writer}` }),
          ),
        ),
      )
      const written = await Promise.all(
        ([0, 1] as const).map((writer) => writeAll(path, writer, groups[writer] ?? [], suspensions)),
      )
      await openLog(path).write([refusal({ id: 'last' })])
      expect(chainComplaints(path)).toEqual([])
      const { problem, head } = await verifyLog(path, { clock: waitingClock() }, new AbortController().signal)
      expect({ problem, head }).toEqual({ problem: undefined, head: 'agrees' })
      const ids = entriesOf(path).flatMap((one) => (one.phase === 'recovered' ? [] : [one.id]))
      expect(new Set(ids).size).toBe(ids.length)
      for (const acknowledged of written) {
        expect(ids.filter((id) => acknowledged.includes(id))).toEqual(acknowledged)
      }
    }),
    { seed: 7, numRuns: 40 },
  )
}, 120_000)
