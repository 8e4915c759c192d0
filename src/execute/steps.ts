import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatAt, type RepositoryName, sameRepository } from '../oci/reference.ts'
import { type Moved, nothingMoved, type StepOutcome } from '../plan/outcome.ts'
import type { AttachStep, AttestStep, CopyStep, Precondition, Step, TagStep } from '../plan/plan.ts'
import type { Copier } from '../store/copy.ts'
import { listReferrers } from '../store/evidence.ts'
import type { Stores } from '../store/store.ts'

export interface StepPorts {
  readonly stores: Stores
  readonly copier: Copier
  /** puts the statement of a promotion beside its image, unless it is there */
  readonly attest: (step: AttestStep, call: Call) => Promise<unknown>
  /** look whether content is there before it is put */
  readonly lookFirst: boolean
  readonly call: Call
  readonly contentCall: Call
}

export interface Check {
  readonly state: 'asWanted' | 'asExpected'
  /** the digest of the tag that the step is about, null where it is not there */
  readonly before?: Digest | null
}

/** One step on its way: `check` reads the world, just before `act` changes it. */
export interface PreparedStep {
  /** @throws `conflict` where the world is neither as the plan expected nor as the step wants it. */
  check(before: readonly StepOutcome[]): Promise<Check>
  act(): Promise<Moved>
}

/** Binds a step to its stores; `begun` resolves when the one step before it begins to act: see `earlyReading`. */
export function prepareStep(step: Step, ports: StepPorts, begun?: Promise<void>): PreparedStep {
  switch (step.kind) {
    case 'copy':
      return copyStep(step, ports)
    case 'attach':
      return step.via === 'tag' ? attachTagStep(step, ports) : attachReferrerStep(step, ports)
    case 'attest':
      return attestStep(step, ports)
    case 'tag':
      return tagStep(step, ports, begun)
  }
}

function copyStep(step: CopyStep, ports: StepPorts): PreparedStep {
  const from = ports.stores.source(step.from)
  const to = ports.stores.target(step.to)
  return {
    check: async () => {
      // A registry that has the root has all of the image: it would have refused the root else. `--verify` is for those that lost something since.
      if (!ports.lookFirst || step.repair === true) return { state: 'asExpected' }
      const there = await to.resolve({ digest: step.root.digest }, ports.contentCall)
      return { state: there === undefined ? 'asExpected' : 'asWanted' }
    },
    act: () => ports.copier.copy(from, to, step.root, { rootBy: step.rootBy }, ports.contentCall),
  }
}

function attachReferrerStep(step: AttachStep, ports: StepPorts): PreparedStep {
  const from = ports.stores.source(step.from)
  const to = ports.stores.target(step.to)
  return {
    check: async () => {
      if (!ports.lookFirst || step.repair === true) return { state: 'asExpected' }
      const listed = await listReferrers(to, step.subject, ports.contentCall)
      return { state: listed.some((d) => d.digest === step.manifest.digest) ? 'asWanted' : 'asExpected' }
    },
    act: () => ports.copier.copy(from, to, step.manifest, { rootBy: 'digest' }, ports.contentCall),
  }
}

function attachTagStep(step: AttachStep, ports: StepPorts): PreparedStep {
  const { tag } = step
  if (tag === undefined)
    throw new DrayError('malformed', `step ${step.id} attaches under a tag and names none`)
  const from = ports.stores.source(step.from)
  const to = ports.stores.target(step.to)
  return {
    check: async () => {
      const found = await checkTag(step.to, tag, step.manifest.digest, step.expect, ports)
      return step.repair === true ? { ...found, state: 'asExpected' } : found
    },
    act: async () => {
      const moved = await ports.copier.copy(from, to, step.manifest, { rootBy: 'tag' }, ports.contentCall)
      await putUnderTag(step.manifest, step.from, step.to, tag, ports)
      return moved
    },
  }
}

function attestStep(step: AttestStep, ports: StepPorts): PreparedStep {
  return {
    check: async () => ({ state: 'asExpected' }),
    act: async () => {
      await ports.attest(step, ports.contentCall)
      return nothingMoved
    },
  }
}

function tagStep(step: TagStep, ports: StepPorts, begun: Promise<void> | undefined): PreparedStep {
  const read = (): Promise<Check> =>
    checkTag(step.repository, step.tag, step.target.digest, step.expect, ports)
  const early = begun === undefined ? undefined : earlyReading(begun, read)
  return {
    check: (before) => (nothingWentBetween(before) ? (early?.reading ?? read()) : read()),
    act: async () => {
      await putUnderTag(step.target, step.from, step.repository, step.tag, ports)
      return nothingMoved
    },
  }
}

/**
 * Reads the tag in the same wave as the mounts of the one copy that comes before it, so that the check costs no round trip of its own. It
 * counts only if that copy moved nothing over the network; else the tag is read again.
 */
function earlyReading(
  begun: Promise<void>,
  read: () => Promise<Check>,
): { readonly reading?: Promise<Check> } {
  const early: { reading?: Promise<Check> } = {}
  void begun.then(() => {
    early.reading = read()
    // It may go unused: then its failure is nobody's.
    early.reading.catch(() => undefined)
  })
  return early
}

function nothingWentBetween(before: readonly StepOutcome[]): boolean {
  return before.every((outcome) => outcome.moved.uploaded === 0)
}

async function checkTag(
  repository: RepositoryName,
  tag: string,
  wanted: Digest,
  expected: readonly Precondition[],
  ports: StepPorts,
): Promise<Check> {
  const now = (await ports.stores.target(repository).resolve({ tag }, ports.call))?.digest ?? null
  if (now === wanted) return { state: 'asWanted', before: now }
  const precondition = expected.find((one) => one.tag === tag && sameRepository(one.repository, repository))
  if (precondition !== undefined && precondition.digest !== now) {
    throw new DrayError('conflict', `${formatAt(repository, { tag })} was changed since the plan was made`, {
      subject: formatAt(repository, { tag }),
      why: `the plan saw ${precondition.digest ?? 'no such tag'}, now it is ${now ?? 'not there'}`,
      hint: 'Nothing was overwritten. Look at who moved it, then make the plan again.',
    })
  }
  return { state: 'asExpected', before: now }
}

/** The bytes come from the source; where it has lost them since, from the target, if they are there by their digest already. */
async function putUnderTag(
  target: CopyStep['root'],
  from: RepositoryName,
  to: RepositoryName,
  tag: string,
  ports: StepPorts,
): Promise<void> {
  const [source, destination] = [ports.stores.source(from), ports.stores.target(to)]
  const isOnlyThere =
    (await source.findManifest(target, ports.call)) === undefined &&
    (await destination.findManifest(target, ports.call)) !== undefined
  const store = isOnlyThere ? destination : source
  const { bytes, descriptor } = await store.manifest(target, ports.call)
  const where = formatAt(store.repository, { digest: target.digest })
  const node = { descriptor, manifest: parseManifest(bytes, descriptor.mediaType, where) }
  await ports.copier.putManifest(store, destination, node, [tag], ports.call)
}
