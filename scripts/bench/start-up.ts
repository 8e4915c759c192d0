/** The time of a program that does nothing. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { image } from '../../test/support/images.ts'
import type { Contest, Entrant } from './contest.ts'
import { drays, peers } from './contestants.ts'
import { type Invocation, run } from './process.ts'

export function startUp(against: string | undefined): Contest {
  return {
    name: 'start',
    title: 'start-up: --version, and a command that reads one file',
    rtts: [0],
    isLocal: true,
    timesRuns: 4,
    goals: [
      { of: 'dray --version', rtt: 0, what: 'ms', atMost: 1, times: 'bare node', plus: 5 },
      { of: 'dray plan show', rtt: 0, what: 'ms', atMost: 100 },
    ],
    prepare: async ({ source, folder, env }) => {
      await writeFile(join(folder, 'empty.cjs'), '')
      await source.oracle.push(image({ layers: 12 }), 'staging/planned', '1.4.2')
      const host = await source.hostAt(0)
      const [dray] = drays(undefined)
      if (dray === undefined) return
      const words = ['promote', `${host}/staging/planned:1.4.2`, `${host}/prod/planned:1.4.2`]
      const ended = await run({ ...dray.invocation(...words, '--out', 'plan.json'), cwd: folder, env })
      if (ended.code !== 0) throw new Error(`no plan was made: ${ended.output}`)
    },
    entrants: () => [
      { ...entrant('bare node', { command: process.execPath, args: ['empty.cjs'] }), kind: 'floor' },
      ...drays(against).flatMap((dray) => [
        entrant(`${dray.name} --version`, dray.version, 'dray'),
        entrant(`${dray.name} plan show`, dray.invocation('plan', 'show', 'plan.json'), 'dray'),
      ]),
      ...peers()
        .filter((peer) => peer.kind === 'peer')
        .map((peer) => entrant(`${peer.name} --version`, peer.version)),
    ],
  }
}

function entrant(name: string, program: Invocation, kind: Entrant['kind'] = 'peer'): Entrant {
  return { name, kind, attempt: async () => ({ programs: [program] }) }
}
