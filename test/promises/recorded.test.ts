import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { AuditRecord, LogEntry } from '../../src/audit/log/record.ts'
import { verifyLog } from '../../src/audit/verify/verify-log.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import type { OpenBlob, RegistryStorage } from '../../src/embedded/storage/storage.ts'
import { type Step, targetOf } from '../../src/plan/plan.ts'
import { letItBeDead } from '../support/audit-log.ts'
import { type Content, cosignSignature, image, index, referrer, together } from '../support/images.ts'
import { configOf, type WatchedRegistry, watchedRegistry } from '../support/world.ts'
import { toProd, type Workplace, workplace } from '../support/workplace.ts'

const fresh = index(['amd64', 'arm64'], { label: 'new', layers: 2, layerSize: 20_000 })
const sbom = referrer(fresh)
const ofSbom = referrer(sbom)
const signature = cosignSignature(fresh)
const whole = together(fresh, sbom, ofSbom, signature)
const old = image({ label: 'old', layers: 2 })
const target = 'prod/api'
const fallbackTag = fresh.root.digest.replace(':', '-')

/** Something that was about to become different at the target, and the log as it was just before. */
interface Change {
  readonly digest: string
  /** of a manifest */
  readonly tags: readonly string[]
  readonly text: string
  readonly log: readonly LogEntry[]
}

/** Sees every change of content a moment before it takes place. */
function witnessed(storage: RegistryStorage, see: (change: Omit<Change, 'log'>) => void): RegistryStorage {
  const blob = (digest: string): void => see({ digest, tags: [], text: '' })
  const seen: Partial<RegistryStorage> = {
    openWriter: async (id) => witnessedWriter(await storage.openWriter(id), blob),
    mountBlob: (digest, from, to) => {
      blob(digest)
      return storage.mountBlob(digest, from, to)
    },
    putManifest: (repository, manifest, tags) => {
      see({ digest: manifest.digest, tags, text: Buffer.from(manifest.bytes).toString() })
      return storage.putManifest(repository, manifest, tags)
    },
  }
  return new Proxy(storage, {
    get: (on, name) => {
      const own: unknown = Reflect.get(seen, name) ?? Reflect.get(on, name)
      return typeof own === 'function' ? (own.bind(on) as unknown) : own
    },
  })
}

function witnessedWriter(writer: OpenBlob, see: (digest: string) => void): OpenBlob {
  return {
    get size() {
      return writer.size
    },
    append: (chunk) => writer.append(chunk),
    read: () => writer.read(),
    commit: (repository, digest) => {
      see(digest)
      return writer.commit(repository, digest)
    },
    discard: () => writer.discard(),
  }
}

interface Scene extends AsyncDisposable {
  readonly prod: WatchedRegistry
  readonly here: Workplace
  readonly changes: Change[]
  /** with each request of dray at prod, while it is being answered */
  heard: (count: number) => void
}

/** `stable` of prod is on another image; dray comes through a door at which every change is seen. */
async function scene(profile: ProfileName): Promise<Scene> {
  const storage = memoryStorage()
  const staging = await watchedRegistry()
  const window = await watchedRegistry({ storage, profile })
  let count = 0
  const changes: Change[] = []
  const see = (change: Omit<Change, 'log'>): void =>
    void changes.push({ ...change, log: entriesOf(made.here) })
  const prod = await watchedRegistry({
    storage: witnessed(storage, see),
    profile,
    onRequest: () => made.heard(++count),
  })
  await staging.oracle.push(whole, 'staging/api', 'stable')
  await window.oracle.push(old, target, 'stable')
  const config = configOf(staging.host, [prod.host])
  const made: Scene = {
    prod: { ...prod, oracle: window.oracle },
    here: await workplace(config),
    changes,
    heard: () => undefined,
    [Symbol.asyncDispose]: async () => {
      for (const one of [staging, prod, window]) await one[Symbol.asyncDispose]()
    },
  }
  return made
}

function entriesOf({ auditFile }: Workplace): readonly LogEntry[] {
  if (!existsSync(auditFile)) return []
  const lines = readFileSync(auditFile, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as LogEntry)
}

/** Runs it and kills it while the registry answers its `at`-th request; 0 lets it go on to its end. */
async function promoteUntil(s: Scene, at: number): Promise<number | null> {
  const running = s.here.start(...toProd('api:stable', '--attest', '--tag', 'stable', '--tag', '2.0.0'))
  s.heard = (count) => void (count === at && running.child.kill('SIGKILL'))
  return await running.ended
}

function isOf(digest: string, ...contents: readonly Content[]): boolean {
  return contents.some((c) => c.blobs.has(digest) || c.manifests.some((m) => m.descriptor.digest === digest))
}

const evidence = new Map([sbom, ofSbom, signature].map((one) => [one.root.digest, one]))

/** Whether a change is one that this step makes. */
function makes(step: Step, { digest, tags, text }: Change): boolean {
  const [tag] = tags
  switch (step.kind) {
    case 'copy':
      return tag === undefined && isOf(digest, fresh)
    case 'attach': {
      const content = evidence.get(step.manifest.digest)
      if (tag !== undefined && tag !== step.tag)
        return tag === step.subject.replace(':', '-') && text.includes(step.manifest.digest)
      return content !== undefined && isOf(digest, content) && (tag === undefined || tag === step.tag)
    }
    case 'attest':
      if (tag !== undefined) return tag === fallbackTag
      return !isOf(digest, whole, old)
    case 'tag':
      return tag === step.tag && digest === step.target.digest
  }
}

/** Whether what a step is for is among these changes: by the last request of it, which takes effect. */
function isMade(
  { step, plan }: AuditRecord & { readonly step: Step },
  changes: readonly Change[],
  hasApi: boolean,
): boolean {
  const isListed = (digest: string, subject: string): boolean =>
    hasApi || changes.some(({ tags, text }) => tags[0] === subject.replace(':', '-') && text.includes(digest))
  switch (step.kind) {
    case 'tag':
      return changes.some((change) => makes(step, change))
    case 'copy':
      return changes.some(({ digest, tags }) => digest === step.root.digest && tags.length === 0)
    case 'attach': {
      const { tag, manifest } = step
      const put = changes.some(({ digest, tags }) => digest === manifest.digest && tags[0] === tag)
      return put && (tag !== undefined || isListed(manifest.digest, step.subject))
    }
    case 'attest':
      return changes.some(
        ({ digest, tags, text }) =>
          tags.length === 0 &&
          text.includes(`"dray.promotion.plan":"${plan}"`) &&
          isListed(digest, fresh.root.digest),
      )
  }
}

type OfStep = AuditRecord & LogEntry & { readonly step: Step }

function ofSteps(entries: readonly LogEntry[], phase: 'intent' | 'outcome'): readonly OfStep[] {
  return entries.filter((entry): entry is OfStep => entry.phase === phase && entry.step !== undefined)
}

const keyOf = ({ run, step }: OfStep): string => `${run} ${step.id}`

/** What the log lacks or has too much of, held against what the registry saw. */
function complaints(
  s: Scene,
  changesOfRuns: readonly (readonly Change[])[],
  hasApi: boolean,
): readonly string[] {
  const entries = entriesOf(s.here)
  const intents = ofSteps(entries, 'intent')
  const outcomes = ofSteps(entries, 'outcome')
  const wrong: string[] = []
  for (const change of s.changes) {
    const done = new Set(ofSteps(change.log, 'outcome').map(keyOf))
    const open = ofSteps(change.log, 'intent').filter((intent) => !done.has(keyOf(intent)))
    const isForeseen = open.some(({ step }) => targetOf(step).path === target && makes(step, change))
    if (!isForeseen) wrong.push(`no intent was there when ${change.tags.join()} ${change.digest} changed`)
  }
  // a run without an intent changed nothing
  const runs = [...new Set(intents.map(({ run }) => run))]
  const busy = runs.length < changesOfRuns.length ? changesOfRuns.filter((c) => c.length > 0) : changesOfRuns
  const changes = new Map(runs.map((run, i) => [run, busy[i]]))
  for (const intent of intents) {
    const own = outcomes.filter((outcome) => keyOf(outcome) === keyOf(intent))
    const [outcome] = own
    const name = `${keyOf(intent)} (${intent.step.kind})`
    if (intents.filter((one) => keyOf(one) === keyOf(intent)).length > 1)
      wrong.push(`${name} has two intents`)
    if (own.length !== 1 || outcome === undefined) {
      wrong.push(`${name} has ${own.length} outcomes`)
      continue
    }
    if (outcome.seq < intent.seq) wrong.push(`${name} has its outcome before its intent`)
    const isDone = isMade(intent, changes.get(intent.run) ?? [], hasApi)
    if (isDone !== (outcome.result === 'done'))
      wrong.push(`${name} ${isDone ? 'was done' : 'was not done'} and its outcome says ${outcome.result}`)
  }
  const begun = new Set(intents.map(keyOf))
  for (const outcome of outcomes)
    if (!begun.has(keyOf(outcome)) && outcome.result !== 'unchanged')
      wrong.push(`${keyOf(outcome)} has an outcome (${outcome.result}) and no intent`)
  return wrong
}

/** Changes that the access log has: each has been asked for and granted. */
function granted(requests: readonly AccessEntry[]): readonly string[] {
  return requests.flatMap(({ method, kind, reference = '', query, status }) => {
    if (status !== 201) return []
    if (method === 'PUT' && kind === 'manifest') return [reference]
    const digest = query.get('digest') ?? query.get('mount')
    return digest === null ? [] : [digest]
  })
}

/** As the access log names it. */
function nameOf({ digest, tags }: Change): string {
  return tags[0] ?? digest
}

/** So many numbers from 1 up to `all`, not included, drawn by a seed (a linear congruential generator). */
function draw(seed: number, howMany: number, all: number): readonly number[] {
  const drawn = new Set<number>()
  for (let state = seed; drawn.size < Math.min(howMany, all - 1);) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    drawn.add(1 + (Math.floor(state / 2 ** 8) % (all - 1)))
  }
  return [...drawn]
}

const boundaries = 4

describe.each([
  { profile: 'oci-1.1', seed: 1 },
  { profile: 'docker-registry-2.8', seed: 2 },
] as const)('a promotion with evidence and attestation that is killed, at $profile', ({ profile, seed }) => {
  const hasApi = profile === 'oci-1.1'

  it(`has an intent before each change that the registry saw, and after the next run one true outcome (seed ${seed})`, async () => {
    await using unhurt = await scene(profile)
    expect(await promoteUntil(unhurt, 0)).toBe(0)
    expect(complaints(unhurt, [unhurt.changes], hasApi)).toEqual([])
    expect(granted(unhurt.prod.requests).toSorted()).toEqual(unhurt.changes.map(nameOf).toSorted())
    expect(unhurt.changes.length).toBeGreaterThan(15)

    for (const at of draw(seed, boundaries, unhurt.prod.requests.length)) {
      await using s = await scene(profile)
      expect(await promoteUntil(s, at), `killed at request ${at}`).toBeNull()
      const before = s.changes.length
      letItBeDead(s.here.auditFile)
      expect(await promoteUntil(s, 0), `after a kill at request ${at}`).toBe(0)

      const changesOfRuns = [s.changes.slice(0, before), s.changes.slice(before)]
      expect(complaints(s, changesOfRuns, hasApi), `killed at request ${at}`).toEqual([])
      const { signal } = new AbortController()
      const report = await verifyLog(s.here.auditFile, { clock: systemClock }, signal)
      expect(report.problem).toBeUndefined()
      expect(report).toMatchObject({ head: 'agrees', torn: 0, open: { alive: [], lost: [] } })
      expect(await s.prod.oracle.differences(target, whole, 'stable')).toEqual([])
    }
  })
})
