/** The time of a program that does nothing. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { image } from '../../test/support/images.ts'
import type { Contest, Entrant } from './contest.ts'
import { binaryName, drays, peers } from './contestants.ts'
import { type Invocation, run } from './process.ts'

const bareNode = 'bare node'
const version = '--version'
const planShow = 'plan show'

export function startUp(against: string | undefined): Contest {
  return {
    name: 'start',
    title: 'start-up: --version, and a command that reads one file',
    rtts: [0],
    isLocal: true,
    timesRuns: 4,
    goals: [
      { of: 'dray', variant: version, rtt: 0, what: 'ms', atMost: 1, times: bareNode, plus: 5 },
      { of: 'dray', variant: planShow, rtt: 0, what: 'ms', atMost: 2.5, times: bareNode },
      { of: binaryName, variant: planShow, rtt: 0, what: 'ms', atMost: 1, times: bareNode },
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
      entrant(bareNode, 'floor', { command: process.execPath, args: ['empty.cjs'] }),
      ...drays(against).flatMap((dray) => [
        entrant(dray.name, 'dray', dray.version, version),
        entrant(dray.name, 'dray', dray.invocation('plan', 'show', 'plan.json'), planShow),
      ]),
      ...peers()
        .filter((peer) => peer.kind === 'peer')
        .map((peer) => entrant(peer.name, 'peer', peer.version, version)),
    ],
  }
}

function entrant(name: string, kind: Entrant['kind'], program: Invocation, variant?: string): Entrant {
  return {
    name,
    kind,
    ...(variant !== undefined && { variant }),
    attempt: async () => ({ programs: [program] }),
  }
}
