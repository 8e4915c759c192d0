/** Contests that copy one image once. */
import { type Content, image, index, referrer, together } from '../../test/support/images.ts'
import type { Attempt, Contest, Entrant, Goal } from './contest.ts'
import {
  binaryName,
  type Contestant,
  drays,
  drayWithoutEvidence,
  peers,
  prototype,
  tunedRegctl,
} from './contestants.ts'
import type { Stage } from './stage.ts'

const tag = '1.4.2'

export function promotion(against: string | undefined): Contest {
  const content = image({ label: 'promotion', layers: 12 })
  return {
    name: 'promotion',
    title: 'an image of 12 layers to another repository of its registry',
    rtts: [0, 20, 80],
    measuresMemory: true,
    goals: [
      { of: 'dray', rtt: 20, what: 'requests', atMost: 22 },
      { of: drayWithoutEvidence.name, rtt: 20, what: 'requests', atMost: 17 },
      { of: 'dray', rtt: 0, what: 'ms', atMost: 2, times: 'best peer' },
      { of: 'dray', rtt: 20, what: 'ms', atMost: 0.65, times: 'best peer' },
      { of: 'dray', rtt: 80, what: 'ms', atMost: 1, times: 'best tuned peer' },
      ...[0, 20].map((rtt): Goal => ({ of: 'dray', rtt, what: 'cpuMs', atMost: 2, times: prototype.name })),
      ...[20, 80].map((rtt): Goal => ({
        of: binaryName,
        rtt,
        what: 'ms',
        atMost: 1,
        times: 'best tuned peer',
      })),
    ],
    prepare: async ({ source }) => void (await source.oracle.push(content, 'staging/api', tag)),
    entrants: () =>
      [...drays(against), drayWithoutEvidence, prototype, ...peers()].map((contestant) =>
        entrant(contestant, content, 'staging/api', (stage) => `prod/${stage.newName()}`),
      ),
  }
}

export function nothingToDo(against: string | undefined): Contest {
  const content = image({ label: 'no-op', layers: 12 })
  return {
    name: 'no-op',
    title: 'an image of 12 layers that is at its destination already',
    rtts: [20],
    measuresMemory: true,
    goals: [
      { of: 'dray', rtt: 20, what: 'writes', atMost: 0 },
      { of: drayWithoutEvidence.name, rtt: 20, what: 'requests', atMost: 2 },
      { of: 'dray', rtt: 20, what: 'ms', atMost: 165 },
      { of: 'dray', rtt: 20, what: 'ms', atMost: 1.8, times: prototype.name },
      { of: binaryName, rtt: 20, what: 'ms', atMost: 1, times: 'best peer' },
      { of: binaryName, rtt: 20, what: 'ms', atMost: 1.3, times: tunedRegctl },
    ],
    prepare: async ({ source }) => {
      for (const repository of ['staging/same', 'prod/same'])
        await source.oracle.push(content, repository, tag)
    },
    entrants: () =>
      [...drays(against), drayWithoutEvidence, prototype, ...peers()].map((contestant) =>
        entrant(contestant, content, 'staging/same', () => 'prod/same'),
      ),
  }
}

export function platforms(against: string | undefined): Contest {
  const api = index(['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/ppc64le'], {
    label: 'platforms',
    layers: 8,
  })
  const evidence = ['sbom', 'provenance', 'scan'].map((payload) => referrer(api, { payload }))
  const content = together(api, ...evidence)
  return {
    name: 'index',
    title: '4 platforms of 8 layers with 3 referrers, within one registry',
    rtts: [20],
    measuresMemory: true,
    goals: [
      { of: 'dray', rtt: 20, what: 'requests', atMost: 85 },
      { of: 'dray', rtt: 20, what: 'ms', atMost: 1, times: 'best tuned peer' },
    ],
    prepare: async ({ source }) => void (await source.oracle.push(content, 'staging/multi', tag)),
    entrants: () =>
      [...drays(against), prototype, ...peers()].map((contestant) =>
        entrant(contestant, content, 'staging/multi', (stage) => `prod/${stage.newName()}`),
      ),
  }
}

function entrant(
  contestant: Contestant,
  content: Content,
  source: string,
  destination: (stage: Stage) => string,
): Entrant {
  const referrers = content.manifests.filter((manifest) => manifest.subject === content.root.digest).length
  return {
    name: contestant.name,
    kind: contestant.kind,
    attempt: async (stage, rtt): Promise<Attempt> => {
      const host = await stage.source.hostAt(rtt)
      const to = destination(stage)
      const names = { from: `${host}/${source}:${tag}`, to: `${host}/${to}:${tag}` }
      return {
        programs: [contestant.copy({ ...names, evidence: referrers > 0 })],
        check: async () => {
          const { oracle } = stage.source
          if ((await oracle.digest(to, tag)) !== content.root.digest) return 'the image is another'
          const missing = referrers - (await oracle.referrers(to, content.root.digest)).length
          return missing > 0 ? `${missing} of ${referrers} referrers lost` : undefined
        },
      }
    },
  }
}
