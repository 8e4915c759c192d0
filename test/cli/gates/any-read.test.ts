import { describe, expect, it, onTestFinished } from 'vitest'
import { type Injury, injuringProxy } from '../../support/faulty-proxy.ts'
import { attestation, signature } from '../../support/gates/attached.ts'
import { decision } from '../../support/gates/attached-statements.ts'
import { fiveSigners, scanDocumentOf } from '../../support/gates/five-gates.ts'
import { type GatedConfig, gatedRuns } from '../../support/gates/gated-runs.ts'
import { critical, vulnType } from '../../support/gates/scan-reports.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { type Content, image, index, together } from '../../support/images.ts'
import { configOf, world } from '../../support/world.ts'

/**
 * Promotions of images that their gates refuse, through a proxy that changes each read in turn
 * (gates.md, Properties). Evidence is in both layouts, so that a read which hides one of them would
 * leave the other.
 */

const [build, ada, bob] = [newSigner(), newSigner(), newSigner()]
const hour = 60 * 60 * 1000
const ago = (hours: number): string => new Date(Date.now() - hours * hour).toISOString()
const api = image({ label: 'api' })
const multi = index(['amd64', 'arm64'], { label: 'multi' })
type Layout = 'old' | 'bundle'

function scanAt(hours: number, as: Layout, findings: readonly (typeof critical)[] = []): Content {
  const document = scanDocumentOf(api.root.digest, 'linux/amd64', { ageMs: hours * hour, findings })
  return attestation(api, vulnType, { scanner: { result: document } }, fiveSigners.scanner, { as })
}

const scan: GatedConfig = {
  gates: [{ name: 'scan', scan: { signedBy: ['scanner'], failOn: 'high', maxAge: '24h' } }],
  signers: fiveSigners,
}
const people = Object.fromEntries(
  ['ada', 'bob'].map((name) => [name, { keys: [`${name}.pub`], actors: [`github:${name}`] }]),
)
const approval: GatedConfig = {
  gates: [
    { name: 'signed', signature: { signedBy: ['build'] } },
    { name: 'approved', approvals: { approvers: ['leads'], count: 1 } },
  ],
  signers: { build, ada, bob },
  more: { approvers: { leads: people } },
}
const rejected = (of: Content, as: Layout): Content =>
  together(
    of,
    signature(of, build, { as: 'old' }),
    decision(of, ada, 'approve', ago(3), { as: as === 'old' ? 'bundle' : 'old' }),
    decision(of, bob, 'reject', ago(2), { as }),
  )

const images: Readonly<Record<string, { readonly content: Content; readonly config: GatedConfig }>> = {
  'a rejection': { content: rejected(api, 'bundle'), config: approval },
  'a rejection of an index': { content: rejected(multi, 'bundle'), config: approval },
  'a bad report after a good one': {
    content: together(api, scanAt(3, 'old'), scanAt(2, 'bundle', [critical])),
    config: scan,
  },
  'a bad report in the old layout': {
    content: together(api, scanAt(3, 'bundle'), scanAt(2, 'old', [critical])),
    config: scan,
  },
}

const flips = [0.1, 0.5, 0.9].map((at): Injury => ({ kind: 'flip', of: 'answer', at }))
const refusals: readonly Injury[] = [
  { kind: 'answer', status: 403 },
  { kind: 'answer', status: 404 },
  { kind: 'answer', status: 200, body: '{}' },
]
const others: readonly Injury[] = [
  ...refusals,
  ...flips,
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 429, headers: { 'retry-after': '0' } },
  { kind: 'truncate' },
  { kind: 'reset', when: 'after' },
]

/** Lists have no digest: each has several changes, and every other read has one of them in turn. */
function injuriesOf(path: string, number: number): readonly Injury[] {
  if (path.includes('/referrers/')) return [...refusals, ...flips]
  if (path.includes('/tags/list')) return refusals
  return others.filter((_, i) => i === number % others.length)
}

/** Nothing is known after it, so that the run does not end with the exit code of a refusal. */
function isFailedRead(injury: Injury): boolean {
  return injury.kind === 'answer' ? injury.status === 403 || injury.status === 500 : injury.kind === 'reset'
}

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)('an image in %s', (staging) => {
  it.each(Object.entries(images))(
    'is refused for %s, whichever read fails',
    async (_, { content, config }) => {
      const here = await world({ staging }).has('api:1.4.2', content).start()
      let choose: (method: string, path: string) => Injury | undefined = () => undefined
      const proxy = await injuringProxy(here.staging.host, {
        choose: ({ method, path }) => choose(method, path),
      })
      onTestFinished(() => proxy[Symbol.asyncDispose]())
      const runs = await gatedRuns({ ...here, config: configOf(proxy.host) }, config)
      runs.longestWait = 1
      expect(await runs.promote('api:1.4.2')).toMatchObject({ exitCode: 3 })
      const reads = proxy.passed.filter(({ path }) => path.includes('/staging/'))
      const wrong: string[] = []
      for (const [number, { method, path }] of reads.entries()) {
        for (const injury of injuriesOf(path, number)) {
          // The first answer is changed, or each.
          const isPermanent = number % 2 === 1
          let left = isPermanent ? Infinity : 1
          choose = (m, p) => (m === method && p === path && left-- > 0 ? injury : undefined)
          const { exitCode } = await runs.promote('api:1.4.2')
          if (!(isPermanent && isFailedRead(injury) ? [1] : [1, 3]).includes(exitCode))
            wrong.push(`${method} ${path}: ${JSON.stringify(injury)} ends with ${exitCode}`)
        }
      }
      expect(wrong).toEqual([])
      expect(await here.staging.oracle.tags('prod/api')).toEqual([])
    },
  )

  it.each(Object.entries(images))(
    'is refused for %s, whichever other artifact is removed',
    async (_, { content, config }) => {
      const attached = content.manifests.filter(({ tag, subject }) => (tag ?? subject) !== undefined)
      // The last one is the reason: who deletes it hides it (gates.md, Completeness).
      for (const { descriptor } of attached.slice(0, -1)) {
        const here = await world({ staging }).has('api:1.4.2', content).start()
        await here.staging.oracle.delete('staging/api', descriptor.digest)
        const runs = await gatedRuns(here, config)
        expect([1, 3]).toContain((await runs.promote('api:1.4.2')).exitCode)
        expect(await here.staging.oracle.tags('prod/api')).toEqual([])
      }
    },
  )
})
