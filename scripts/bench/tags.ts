/** The contest that sets four tags on an existing image. */
import { image } from '../../test/support/images.ts'
import { tools } from '../../test/support/tools.ts'
import type { Attempt, Contest, Entrant } from './contest.ts'
import { drays, prototype, runPrototype } from './contestants.ts'
import type { Invocation } from './process.ts'

const tags = ['1.4.2', '1.4', '1', 'latest'] as const
const content = image({ label: 'tags', layers: 1 })

export function fourTags(against: string | undefined): Contest {
  return {
    name: 'tags',
    title: 'four tags of a version on an existing image; the others get their names and check none',
    rtts: [0, 20],
    measuresMemory: true,
    goals: [
      { of: 'dray', rtt: 20, what: 'requests', atMost: 10 },
      { of: 'dray', rtt: 20, what: 'ms', atMost: 180 },
    ],
    prepare: () => Promise.resolve(),
    entrants: () => [
      ...drays(against).map((dray) =>
        entrant(dray.name, 'dray', (reference) => [dray.invocation('tag', reference, '1.4.2', '--yes')]),
      ),
      entrant(prototype.name, prototype.kind, (reference) => [runPrototype('tag', reference, ...tags)]),
      ...entrantOf('oras', (reference) => [
        { command: 'oras', args: ['tag', '--plain-http', reference, ...tags] },
      ]),
      ...entrantOf('crane', (reference) =>
        tags.map((tag) => ({ command: 'crane', args: ['tag', reference, tag] })),
      ),
    ],
  }
}

function entrantOf(
  command: string,
  programs: (reference: string) => readonly Invocation[],
): readonly Entrant[] {
  return tools(command).available ? [entrant(command, 'peer', programs)] : []
}

function entrant(
  name: string,
  kind: Entrant['kind'],
  programs: (reference: string) => readonly Invocation[],
): Entrant {
  return {
    name,
    kind,
    attempt: async (stage, rtt): Promise<Attempt> => {
      const host = await stage.source.hostAt(rtt)
      const repository = `team/${stage.newName()}`
      await stage.source.oracle.push(content, repository, 'build')
      return {
        programs: programs(`${host}/${repository}:build`),
        check: async () => {
          const found = await Promise.all(tags.map((tag) => stage.source.oracle.digest(repository, tag)))
          const missing = tags.filter((_, i) => found[i] !== content.root.digest)
          return missing.length > 0 ? `${missing.join(', ')} not set` : undefined
        },
      }
    },
  }
}
