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
import { expireRuns } from '../support/audit-log.ts'
import { type Content, cosignSignature, image, index, referrer, together } from '../support/images.ts'
import { configOf, type WatchedRegistry, watchedRegistry } from '../support/world.ts'
import { sampleIntegers } from '../support/random.ts'
import { toProd, type Workplace, warmWorkplace } from '../support/workplace.ts'

const fresh = index(['amd64', 'arm64'], { label: 'new', layers: 2, layerSize: 20_000 })
const sbom = referrer(fresh)
const ofSbom = referrer(sbom)
const signature = cosignSignature(fresh)
const whole = together(fresh, sbom, ofSbom, signature)
const old = image({ label: 'old', layers: 2 })
const target = 'prod/api'
const fallbackTag = fresh.root.digest.replace(':', '-')

/** A change of content at the target, and the entries of the log just before it. */
interface Change {
  readonly digest: string
  /** of a manifest; empty for a blob */
  readonly tags: readonly string[]
  readonly text: string
  readonly log: readonly LogEntry[]
}

/** A storage that calls `onChange` just before each change of content. */
function observedStorage(
  storage: RegistryStorage,
  onChange: (change: Omit<Change, 'log'>) => void,
): RegistryStorage {
  const blob = (digest: string): void => onChange({ digest, tags: [], text: '' })
  const observed: Partial<RegistryStorage> = {
    openWriter: async (id) => observedWriter(await storage.openWriter(id), blob),
    mountBlob: (digest, from, to) => {
      blob(digest)
      return storage.mountBlob(digest, from, to)
    },
    putManifest: (repository, manifest, tags) => {
      onChange({ digest: manifest.digest, tags, text: Buffer.from(manifest.bytes).toString() })
      return storage.putManifest(repository, manifest, tags)
    },
  }
  return new Proxy(storage, {
    get: (on, name) => {
      const own: unknown = Reflect.get(observed, name) ?? Reflect.get(on, name)
      return typeof own === 'function' ? (own.bind(on) as unknown) : own
    },
  })
}

function observedWriter(writer: OpenBlob, onChange: (digest: string) => void): OpenBlob {
  return {
    get size() {
      return writer.size
    },
    append: (chunk) => writer.append(chunk),
    read: () => writer.read(),
    commit: (repository, digest) => {
      onChange(digest)
      return writer.commit(repository, digest)
    },
    discard: () => writer.discard(),
  }
}

interface Scene extends AsyncDisposable {
  readonly prod: WatchedRegistry
  readonly here: Workplace
  readonly changes: Change[]
  /** called with the number of each request to prod, before the response */
  onRequest: (count: number) => void
}

/**
 * Starts registries with another image under `stable` of prod. Two registries share the storage of
 * prod: one observes the requests of dray, the other is for the oracle.
 */
async function newScene(profile: ProfileName): Promise<Scene> {
  const storage = memoryStorage()
  const staging = await watchedRegistry()
  const unobserved = await watchedRegistry({ storage, profile })
  let count = 0
  const changes: Change[] = []
  const onChange = (change: Omit<Change, 'log'>): void =>
    void changes.push({ ...change, log: entriesOf(scene.here) })
  const prod = await watchedRegistry({
    storage: observedStorage(storage, onChange),
    profile,
    onRequest: () => scene.onRequest(++count),
  })
  await staging.oracle.push(whole, 'staging/api', 'stable')
  await unobserved.oracle.push(old, target, 'stable')
  const config = configOf(staging.host, [prod.host])
  const scene: Scene = {
    prod: { ...prod, oracle: unobserved.oracle },
    here: await warmWorkplace(config),
    changes,
    onRequest: () => undefined,
    [Symbol.asyncDispose]: async () => {
      for (const one of [staging, prod, unobserved]) await one[Symbol.asyncDispose]()
    },
  }
  return scene
}

function entriesOf({ auditFile }: Workplace): readonly LogEntry[] {
  if (!existsSync(auditFile)) return []
  const lines = readFileSync(auditFile, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as LogEntry)
}

/** Promotes, and kills dray at its `at`-th request to prod unless that is 0. */
async function promoteUntil(scene: Scene, at: number): Promise<number | null> {
  const running = scene.here.start(...toProd('api:stable', '--attest', '--tag', 'stable', '--tag', '2.0.0'))
  scene.onRequest = (count) => void (count === at && running.child.kill('SIGKILL'))
  return await running.ended
}

function isOf(digest: string, ...contents: readonly Content[]): boolean {
  return contents.some((c) => c.blobs.has(digest) || c.manifests.some((m) => m.descriptor.digest === digest))
}

const evidence = new Map([sbom, ofSbom, signature].map((one) => [one.root.digest, one]))

/** Whether the step may make this change. */
function mayMake(step: Step, { digest, tags, text }: Change): boolean {
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

/** Whether the step took effect, which is what its last change shows. */
function isMade(
  { step, plan }: AuditRecord & { readonly step: Step },
  changes: readonly Change[],
  hasApi: boolean,
): boolean {
  const isListed = (digest: string, subject: string): boolean =>
    hasApi || changes.some(({ tags, text }) => tags[0] === subject.replace(':', '-') && text.includes(digest))
  switch (step.kind) {
    case 'tag':
      return changes.some((change) => mayMake(step, change))
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

type StepEntry = AuditRecord & LogEntry & { readonly step: Step }

function stepEntriesOf(entries: readonly LogEntry[], phase: 'intent' | 'outcome'): readonly StepEntry[] {
  return entries.filter((entry): entry is StepEntry => entry.phase === phase && entry.step !== undefined)
}

const keyOf = ({ run, step }: StepEntry): string => `${run} ${step.id}`

/**
 * Compares the log with the changes that the registry saw, and returns what is missing or wrong.
 */
function complaintsAbout(
  scene: Scene,
  changesOfRuns: readonly (readonly Change[])[],
  hasApi: boolean,
): readonly string[] {
  const entries = entriesOf(scene.here)
  const intents = stepEntriesOf(entries, 'intent')
  const outcomes = stepEntriesOf(entries, 'outcome')
  const complaints: string[] = []
  for (const change of scene.changes) {
    const done = new Set(stepEntriesOf(change.log, 'outcome').map(keyOf))
    const open = stepEntriesOf(change.log, 'intent').filter((intent) => !done.has(keyOf(intent)))
    const hasIntent = open.some(({ step }) => targetOf(step).path === target && mayMake(step, change))
    if (!hasIntent) complaints.push(`there was no intent when ${change.tags.join()} ${change.digest} changed`)
  }
  // A run without an intent changed nothing.
  const runs = [...new Set(intents.map(({ run }) => run))]
  const effective =
    runs.length < changesOfRuns.length ? changesOfRuns.filter((c) => c.length > 0) : changesOfRuns
  const changes = new Map(runs.map((run, i) => [run, effective[i]]))
  for (const intent of intents) {
    const own = outcomes.filter((outcome) => keyOf(outcome) === keyOf(intent))
    const [outcome] = own
    const name = `${keyOf(intent)} (${intent.step.kind})`
    if (intents.filter((one) => keyOf(one) === keyOf(intent)).length > 1)
      complaints.push(`${name} has two intents`)
    if (own.length !== 1 || outcome === undefined) {
      complaints.push(`${name} has ${own.length} outcomes`)
      continue
    }
    if (outcome.seq < intent.seq) complaints.push(`${name} has its outcome before its intent`)
    const isDone = isMade(intent, changes.get(intent.run) ?? [], hasApi)
    if (isDone !== (outcome.result === 'done'))
      complaints.push(
        `${name} ${isDone ? 'was done' : 'was not done'} and its outcome says ${outcome.result}`,
      )
  }
  const intended = new Set(intents.map(keyOf))
  for (const outcome of outcomes)
    if (!intended.has(keyOf(outcome)) && outcome.result !== 'unchanged')
      complaints.push(`${keyOf(outcome)} has an outcome (${outcome.result}) and no intent`)
  return complaints
}

/** The tags and digests of all changes in the access log of the registry. */
function loggedChanges(requests: readonly AccessEntry[]): readonly string[] {
  return requests.flatMap(({ method, kind, reference = '', query, status }) => {
    if (status !== 201) return []
    if (method === 'PUT' && kind === 'manifest') return [reference]
    const digest = query.get('digest') ?? query.get('mount')
    return digest === null ? [] : [digest]
  })
}

/** The name of a change in the access log. */
function nameOf({ digest, tags }: Change): string {
  return tags[0] ?? digest
}

const killsEach = 4

describe.each([
  { profile: 'oci-1.1', seed: 1 },
  { profile: 'docker-registry-2.8', seed: 2 },
] as const)('the log of a killed promotion, at $profile', ({ profile, seed }) => {
  const hasApi = profile === 'oci-1.1'

  it(`has an intent before each change, and one correct outcome after the next run (seed ${seed})`, async () => {
    await using complete = await newScene(profile)
    expect(await promoteUntil(complete, 0)).toBe(0)
    expect(complaintsAbout(complete, [complete.changes], hasApi)).toEqual([])
    expect(loggedChanges(complete.prod.requests).toSorted()).toEqual(complete.changes.map(nameOf).toSorted())
    expect(complete.changes.length).toBeGreaterThan(15)

    for (const at of sampleIntegers(seed, killsEach, complete.prod.requests.length)) {
      await using scene = await newScene(profile)
      expect(await promoteUntil(scene, at), `killed at request ${at}`).toBeNull()
      const before = scene.changes.length
      expireRuns(scene.here.auditFile)
      expect(await promoteUntil(scene, 0), `after a kill at request ${at}`).toBe(0)

      const changesOfRuns = [scene.changes.slice(0, before), scene.changes.slice(before)]
      expect(complaintsAbout(scene, changesOfRuns, hasApi), `killed at request ${at}`).toEqual([])
      const { signal } = new AbortController()
      const report = await verifyLog(scene.here.auditFile, { clock: systemClock }, signal)
      expect(report.problem).toBeUndefined()
      expect(report).toMatchObject({ head: 'agrees', torn: 0, open: { alive: [], lost: [] } })
      expect(await scene.prod.oracle.differences(target, whole, 'stable')).toEqual([])
    }
  })
})
