/** The contest that plans and schedules many deletes. The registry takes no time. */
import { join } from 'node:path'
import type { Contest, Entrant } from './contest.ts'

const counts = [10_000, 100_000] as const
const program = join(import.meta.dirname, '..', 'delete-many.ts')
const root = join(import.meta.dirname, '..', '..')

export function deletes(against: string | undefined): Contest {
  const drays = [{ name: 'dray', folder: root }]
  if (against !== undefined) drays.push({ name: 'dray, the other', folder: against })
  return {
    name: 'deletes',
    title: 'planning and scheduling deletes; the registry and the audit log take no time',
    rtts: [0],
    isLocal: true,
    measuresMemory: true,
    // Linear: ten times the deletes take about ten times the time.
    goals: [
      { of: 'dray', variant: variantOf(10_000), rtt: 0, what: 'ms', atMost: 1500 },
      { of: 'dray', variant: variantOf(100_000), rtt: 0, what: 'ms', atMost: 15_000 },
    ],
    prepare: () => Promise.resolve(),
    entrants: () =>
      drays.flatMap(({ name, folder }) =>
        counts.map((count): Entrant => ({
          name,
          kind: 'dray',
          variant: variantOf(count),
          attempt: async () => ({
            programs: [{ command: process.execPath, args: [program, folder, String(count)] }],
          }),
        })),
      ),
  }
}

function variantOf(count: number): string {
  return `${count.toLocaleString('en')} deletes`
}
