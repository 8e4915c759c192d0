import type { GateDefinition } from '../../config/gates/gate.ts'
import type { Digest } from '../../oci/digest.ts'
import type { GateEvidence, GateSubjectResult } from '../../plan/gates/gate-result.ts'
import type { JudgedImage, JudgedSubject } from '../evidence.ts'
import type { GateFacts, KindResult } from '../kind-result.ts'
import { subjectsOf } from '../subjects.ts'

/** The result of a gate for one manifest that it applies to. */
export interface SubjectJudgement {
  readonly passes: boolean
  readonly reason: string
  /** the attached artifacts that decided */
  readonly evidence: readonly GateEvidence[]
  /** when the pass ends, milliseconds since 1970; undefined: not by time alone */
  readonly validUntil?: number | undefined
  /** when a failure that waits ends, milliseconds since 1970 */
  readonly passesAfter?: number | undefined
  readonly warnings?: readonly string[]
  readonly hint?: string
  readonly facts?: SubjectFacts
}

/** The facts about one manifest: `signers` are names. */
export type SubjectFacts = Omit<GateFacts, 'signers'> & { readonly signers?: readonly string[] }

/** The beginning of a hint that is a command. */
export const commandPrefix = 'Run: '

/** Warnings of a gate. A client that can push could attach hundreds of signatures. */
const maxWarnings = 20

/**
 * Judges each manifest that a gate applies to. The gate passes if there is one, and if each passes.
 */
export function judgeSubjects(
  gate: GateDefinition,
  image: JudgedImage,
  judge: (subject: JudgedSubject) => SubjectJudgement,
): KindResult {
  const all = subjectsOf(gate, image).map((subject) => ({ subject, ...judge(subject) }))
  if (all.length === 0) return withoutPlatforms(gate, image)
  const deciding = all.filter(({ passes }) => !passes)
  const passes = deciding.length === 0
  const validUntil = earliest(all.map((one) => one.validUntil))
  const passesAfter = latest(deciding.map((one) => one.passesAfter))
  const hint = joinHints(deciding)
  const warnings = limitWarnings(all.flatMap((one) => one.warnings ?? []))
  return {
    result: passes ? 'pass' : 'fail',
    reason: joinReasons(passes ? all : deciding, all.length > 1),
    subjects: all.map(subjectResult),
    evidence: withoutRepeatedEvidence(all.flatMap(({ evidence }) => evidence)),
    ...(passes && validUntil !== undefined && { validUntil }),
    ...(!passes && passesAfter !== undefined && { passesAfter }),
    ...(hint !== undefined && { hint }),
    ...(warnings.length > 0 && { warnings }),
    ...(passes && { facts: joinFacts(all.map(withSigners)) }),
  }
}

/** An artifact such as a Helm chart fails a gate about platform images. */
export function withoutPlatforms({ name }: GateDefinition, { image, root }: JudgedImage): KindResult {
  const reason = 'the artifact has no platform images'
  return {
    result: 'fail',
    reason,
    subjects: [{ digest: root.digest, result: 'fail', reason }],
    evidence: [],
    hint: `If ${image} is no container image, add it to \`excludeImages\` of the gate ${name}.`,
  }
}

/** Returns the earliest of the times; undefined if all are. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Returns the latest of the times; undefined if one is unknown, because waiting does not help. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length < times.length || known.length === 0 ? undefined : Math.max(...known)
}

/** The platform, or the beginning of the digest. */
export function labelOf({ platform, digest }: Pick<GateSubjectResult, 'platform' | 'digest'>): string {
  return platform ?? shortDigest(digest)
}

/** The algorithm and the first twelve digits. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':') + 13)
}

/**
 * Returns the first hint. If other manifests need the same command, it is a loop of a POSIX shell
 * over their digests.
 */
function joinHints(deciding: readonly NamedJudgement[]): string | undefined {
  const first = deciding.find((one) => one.hint !== undefined)
  if (first?.hint === undefined) return undefined
  const { hint, subject } = first
  const same = deciding.filter((one) => one.hint === hint.replaceAll(subject.digest, one.subject.digest))
  if (same.length === 1 || !hint.startsWith(commandPrefix) || !hint.includes(subject.digest)) return hint
  const digests = same.map((one) => one.subject.digest).join(' ')
  const command = hint.slice(commandPrefix.length).replaceAll(subject.digest, '$digest')
  return `${commandPrefix}for digest in ${digests}; do ${command}; done`
}

type NamedJudgement = SubjectJudgement & { readonly subject: JudgedSubject }

/** Manifests with the same reason stand together: `linux/amd64, linux/arm64: no report`. */
function joinReasons(all: readonly NamedJudgement[], isNamed: boolean): string {
  const byReason = Map.groupBy(all, ({ reason }) => reason)
  if (!isNamed) return all[0]?.reason ?? ''
  return [...byReason]
    .map(([reason, same]) => `${same.map(({ subject }) => labelOf(subject)).join(', ')}: ${reason}`)
    .join('; ')
}

function subjectResult({ subject, passes, reason }: NamedJudgement): GateSubjectResult {
  return {
    digest: subject.digest,
    ...(subject.platform !== undefined && { platform: subject.platform }),
    result: passes ? 'pass' : 'fail',
    reason,
  }
}

function withoutRepeatedEvidence(all: readonly GateEvidence[]): readonly GateEvidence[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]
}

/** Returns the first of the warnings, each once. */
export function limitWarnings(all: readonly string[]): readonly string[] {
  const different = [...new Set(all)]
  const more = different.length - maxWarnings
  return more > 0 ? [...different.slice(0, maxWarnings), `and ${more} more warnings`] : different
}

function withSigners({ subject: { digest: subject }, facts = {} }: NamedJudgement): GateFacts {
  const { signers = [], ...others } = facts
  return { ...others, signers: [...new Set(signers)].map((signer) => ({ signer, subject })) }
}

function joinFacts(all: readonly GateFacts[]): GateFacts {
  const attestations = all.flatMap((one) => one.attestations ?? [])
  const signers = all.flatMap((one) => one.signers ?? [])
  return {
    ...(all.some((one) => one.attestations !== undefined) && { attestations }),
    ...(all.some((one) => one.vulnerabilities !== undefined) && {
      vulnerabilities: all.flatMap((one) => one.vulnerabilities ?? []),
    }),
    ...(all.some((one) => one.components !== undefined) && {
      components: all.flatMap((one) => one.components ?? []),
    }),
    ...(signers.length > 0 && { signers }),
  }
}
