import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { vendorImitations } from '../../../../src/embedded/vendors/load-vendor.ts'
import { type VendorName, vendorNames } from '../../../../src/embedded/vendors/vendor.ts'
import type { PrunePorts } from '../../../../src/execute/ports.ts'
import { type Digest, parseDigest } from '../../../../src/oci/digest.ts'
import { plainReading } from '../../../../src/semver/version.ts'
import { decide } from '../../../../src/usecases/prune/decide.ts'
import { decideRepository } from '../../../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../../../src/usecases/prune/gather.ts'
import type { RepositoryPolicy } from '../../../../src/usecases/prune/policy/policy.ts'
import { noSources } from '../../../../src/usecases/prune/records/history-reader.ts'
import { leapingClock, manualClock } from '../../../support/manual-clock.ts'
import { bench, type Bench } from '../../../support/promotion.ts'
import { executePrunePlan } from '../../../support/pruning.ts'
import {
  type Pushed,
  type VendorScenario,
  vendorRecipes,
  scenarioOf,
} from '../../../support/retention/vendor-scenarios.ts'
import { type VendorWorld, vendorWorld } from '../../../support/vendors/vendor-world.ts'

const dayMs = 86_400_000
const kinds = vendorNames.filter((name) => vendorImitations[name] !== undefined)
const paths: Partial<Record<VendorName, string>> = { gar: 'acme/web/api' }
/** The chain of AWS credentials must not read the files of this machine. */
const variables = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE000000001',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_REGION: 'eu-central-1',
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
}

interface Loss {
  readonly what: string
  readonly digest: string
}

/** Pushes content as a client that did it so many days ago. */
async function push(world: VendorWorld, { content, tags, days, pulled }: Pushed): Promise<void> {
  const digest = await world.put(content, ...tags)
  const { records, repository, clock } = world
  const pushedAt = clock.now() - days * dayMs
  for (const { descriptor } of content.manifests) {
    const of = parseDigest(descriptor.digest)
    const known = records.manifest(repository.path, of)
    // Content that was there before keeps its first push.
    if (known.pushedAt >= clock.now()) records.set(repository.path, { digest: of }, { pushedAt })
  }
  for (const tag of tags) records.set(repository.path, { tag }, { pushedAt })
  if (pulled === undefined) return
  const times = { ...records.manifest(repository.path, digest), pulledAt: clock.now() - pulled * dayMs }
  records.set(repository.path, { digest }, times)
}

/** Plans and executes a prune while another client pushes before the first delete. */
async function prune(
  world: VendorWorld,
  { pushes, rules, event }: VendorScenario,
  run: Bench,
): Promise<number> {
  for (const one of pushes) await push(world, one)
  const { repository, inventory, clock } = world
  let isPushed = false
  let pushing = Promise.resolve()
  const pushEvent = (): void => {
    if (isPushed) return
    isPushed = true
    pushing = (async () => {
      for (const one of event.pushes) await push(world, one)
    })()
  }
  world.after(() => true, pushEvent, event.at + 1)
  const readAt = clock.now()
  const policy: RepositoryPolicy = {
    protect: [],
    rules,
    limits: {},
    timeFrom: ['pushed'],
    reading: plainReading,
  }
  const snapshot = await world.read()
  const stores = run.freshStores()
  const gathered = await gather(
    stores.source(repository),
    { repository, image: 'api', inUse: [], orphaned: [] },
    {
      policy,
      now: () => clock.now(),
      inventory: { kind: 'read', snapshot },
      sources: { ...noSources, watchedSince: async () => await Promise.resolve(0) },
    },
    run.call,
  )
  pushEvent()
  await pushing
  const decision = decideRepository(gathered.snapshot, policy)
  const { plan } = decide(
    [{ kind: 'decided', decision }],
    { hash: '', tool: '0', limits: {}, protections: [], inUse: [], isFullRun: true },
    new Date(clock.now()),
  )
  const ports: Partial<PrunePorts> = {
    stores: run.stores,
    clock,
    readAt,
    inventory: async () => await Promise.resolve(inventory),
  }
  const { deleted } = await executePrunePlan(run, plan, ports).then(({ repositories }) => ({
    deleted: repositories.reduce((sum, one) => sum + one.deleted, 0),
  }))
  return deleted
}

/** What the repository lacks in the end, by the content that was pushed alone. */
async function findLosses(world: VendorWorld, { pushes, event }: VendorScenario): Promise<readonly Loss[]> {
  const { storage, repository } = world
  const all = [...pushes, ...event.pushes].flatMap(({ content }) => content.manifests)
  // A later signature takes the tag of an earlier one.
  const signatures = new Map(
    all.flatMap(({ descriptor, tag }) => (tag === undefined ? [] : [[tag, descriptor.digest]])),
  )
  const bodies = new Map(
    all.map(({ descriptor, bytes, subject, tag }) => {
      const body = JSON.parse(Buffer.from(bytes).toString()) as { manifests?: { digest: string }[] }
      const own = tag !== undefined && signatures.get(tag) === descriptor.digest ? tag : undefined
      const children = (body.manifests ?? []).map((one) => one.digest)
      return [descriptor.digest, { children, subject, tag: own }] as const
    }),
  )
  const remaining = new Set<string>(await world.remaining())
  const open: string[] = []
  for (const digest of remaining) {
    const tags = await storage.tagsOf(repository.path, digest as Digest)
    if (tags.some((tag) => !tag.startsWith('sha256-'))) open.push(digest)
  }
  const losses: Loss[] = []
  const kept = new Set(open)
  for (const one of kept) {
    for (const child of bodies.get(one)?.children ?? []) kept.add(child)
    for (const [digest, { subject, tag }] of bodies)
      if (subject === one || tag?.startsWith(one.replace(':', '-')) === true) kept.add(digest)
    if (!remaining.has(one)) losses.push({ what: 'needed by a tagged image', digest: one })
  }
  for (const { descriptor, subject } of event.pushes.flatMap(({ content }) => content.manifests)) {
    // An attached artifact is deleted together with its image.
    const isNeeded = subject === undefined || remaining.has(subject)
    if (isNeeded && !remaining.has(descriptor.digest))
      losses.push({ what: 'pushed meanwhile', digest: descriptor.digest })
  }
  const keptTags = pushes.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith('keep-')))
  for (const tag of keptTags)
    if ((await storage.tag(repository.path, tag)) === undefined)
      losses.push({ what: 'a kept tag', digest: tag })
  return losses
}

describe('with the API of a vendor and pushes between the list and the deletes', () => {
  it.each(kinds)(
    '%s: no child of a tagged index, no attached artifact of a kept image and no new push is deleted',
    async (kind) => {
      for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
      onTestFinished(() => void vi.unstubAllEnvs())
      // The server of ECR waits for the bodies of requests, which this clock would end at once.
      const clock = kind === 'ecr' ? manualClock() : leapingClock()
      const run = await bench({ clock })
      onTestFinished(() => run[Symbol.asyncDispose]())
      let deletes = 0
      await fc.assert(
        fc.asyncProperty(vendorRecipes, async (recipe) => {
          const scenario = scenarioOf(recipe)
          const world = await vendorWorld(kind, { path: paths[kind] ?? 'team/api', clock })
          // Without a list of untagged manifests, an index without a tag is not visible at all.
          const isVisible = recipe.event.what !== 'untagged index' || world.inventory.knows.untagged
          const shown = isVisible ? scenario : { ...scenario, event: { at: 0, pushes: [] } }
          deletes += await prune(world, shown, run)
          expect(await findLosses(world, shown)).toEqual([])
        }),
        { numRuns: 25 },
      )
      expect(deletes).toBeGreaterThan(0)
    },
    60_000,
  )
})
