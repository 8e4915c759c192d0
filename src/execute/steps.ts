import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import { type Moved, nothingMoved, type StepOutcome } from '../plan/outcome.ts'
import {
  type AttachStep,
  type AttestStep,
  type CopyStep,
  isOfTag,
  type Step,
  type TagStep,
} from '../plan/plan.ts'
import type { Copier } from '../images/copy.ts'
import { listReferrers } from '../images/evidence/evidence.ts'
import type { Repositories } from '../images/ports.ts'
import type { Check, TagChecks } from './check-tag.ts'
import type { TagWriter } from './tag-writer.ts'

export interface StepPorts {
  readonly stores: Repositories
  readonly copier: Copier
  /** puts the statement of a promotion beside its image, unless it is there */
  readonly attest: (step: AttestStep, call: Call) => Promise<unknown>
  /** look whether content is there before it is put */
  readonly lookFirst: boolean
  readonly tags: TagChecks
  readonly writer: TagWriter
  /** whether the plan saw the tags a moment ago, with nothing in between: then that was the check */
  readonly isOfThisMoment: () => boolean
  readonly call: Call
  readonly contentCall: Call
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
      const asked = { repository: step.to, tag, wanted: step.manifest.digest, expect: step.expect }
      const found = await ports.tags.check(asked, ports.call)
      return step.repair === true ? { ...found, state: 'asExpected' } : found
    },
    act: async () => {
      const moved = await ports.copier.copy(from, to, step.manifest, { rootBy: 'tag' }, ports.contentCall)
      const { manifest: target, from: source, to: repository } = step
      await ports.writer.put({ target, from: source, repository, tag }, ports.call)
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
  const { repository, tag, target, expect } = step
  const read = (): Promise<Check> =>
    ports.tags.check({ repository, tag, wanted: target.digest, expect }, ports.call)
  const early = begun === undefined ? undefined : earlyReading(begun, read)
  return {
    check: async (before) => {
      if (ports.isOfThisMoment()) return asPlanned(step)
      return nothingWentBetween(before) ? await (early?.reading ?? read()) : await read()
    },
    act: async () => {
      await ports.writer.put(step, ports.call)
      return nothingMoved
    },
  }
}

/** The tag was read for the plan: a step is there only for one that was not as it is wanted. */
function asPlanned({ repository, tag, expect }: TagStep): Check {
  const own = expect.find((one) => isOfTag(one, repository, tag))
  return { state: 'asExpected', ...(own !== undefined && { before: own.digest }) }
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
