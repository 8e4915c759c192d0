import type { CelGate } from '../../config/gates/gate.ts'
import { isDrayError } from '../../lib/errors.ts'
import { parseCreated } from '../../oci/created.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PlacementEnd } from '../../plan/plan.ts'
import { type CelCondition, compileCondition } from '../cel/condition.ts'
import { unboundEvidence } from '../cel/unbound-evidence.ts'
import { judgeSubjects, type SubjectJudgement } from '../evaluation/judge-subjects.ts'
import { nameArtifact } from '../evaluation/signers.ts'
import type { JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext, GateFacts, SubjectSigner } from '../kind-result.ts'
import { platformsOf } from '../subjects.ts'

/**
 * An image passes if the expression of the rule is true for it (docs/gates/rules.md). Missing data
 * is unbound, and an error of the expression.
 */
export const evaluateCel: EvaluateKind<CelGate> = (gate, image, context, facts) => {
  let condition: CelCondition
  try {
    condition = compileCondition(gate.expression, 'rule')
  } catch (error) {
    const reason = isDrayError(error) ? error.message : String(error)
    return judgeSubjects(gate, image, () => ({ passes: false, reason, evidence: [] }))
  }
  const unread = whyUnread(image)
  return judgeSubjects(gate, image, (subject) => {
    const variables = {
      ...variablesOfRun(context),
      image: imageValue(image, subject),
      ...variablesOfFacts(facts, image, subject),
    }
    return judgeRule(gate, condition, variables, unread)
  })
}

function judgeRule(
  { message, expression }: CelGate,
  condition: CelCondition,
  variables: Readonly<Record<string, unknown>>,
  unread: string | undefined,
): SubjectJudgement {
  const result = condition.evaluate(variables)
  const [unknown] = result.ok && unread !== undefined ? unboundEvidence(expression, variables) : []
  if (result.ok && unknown === undefined)
    return { passes: true, reason: 'the expression is true', evidence: [] }
  const why = result.ok ? `${unknown ?? ''} is unknown: ${unread ?? ''}` : result.reason
  return { passes: false, reason: message === undefined ? why : `${message} (${why})`, evidence: [] }
}

/**
 * Returns why evidence may exist that no gate could verify: a rule such as `!has(…)` must not pass
 * because an attached artifact is damaged.
 */
function whyUnread({ evidence, limit }: JudgedImage): string | undefined {
  if (limit !== undefined) return limit
  const unread = evidence.find(({ content, signers }) => {
    return content.kind === 'unreadable' && (content.isDamaged === true || signers.length > 0)
  })
  if (unread?.content.kind !== 'unreadable') return undefined
  return `${nameArtifact('attached artifact', unread)} cannot be read: ${unread.content.reason}`
}

function variablesOfRun(context: EvaluationContext): Readonly<Record<string, unknown>> {
  const { from, to, actors, reason, ticket, now } = context
  return {
    from: placeValue(from),
    to: placeValue(to),
    actor: actors[0],
    reason,
    ticket,
    now: new Date(now),
  }
}

function placeValue({ environment, repository }: PlacementEnd): Readonly<Record<string, unknown>> {
  return { environment, repository: formatRepository(repository) }
}

/**
 * Labels and the time of the build are those of the platform image. An index has them if all of its
 * platform images have the same ones.
 */
function imageValue(image: JudgedImage, subject: JudgedSubject): Readonly<Record<string, unknown>> {
  const isRoot = subject.digest === image.root.digest
  const platforms = platformsOf(image)
  const described = isRoot && platforms.length > 0 ? platforms : [subject]
  const created = common(described.map((one) => one.created))
  const time = created === undefined ? undefined : parseCreated(created)
  return {
    name: image.image,
    tag: image.tag,
    digest: subject.digest,
    labels: common(described.map(({ labels }) => labels)),
    annotations: isRoot ? image.annotations : undefined,
    created: time === undefined ? undefined : new Date(time),
    size: isRoot ? image.size : undefined,
    platforms: described.flatMap(({ platform }) => platform ?? []),
  }
}

/** Returns the value that all have; undefined if one has none or another one. */
function common<Value>(values: readonly (Value | undefined)[]): Value | undefined {
  const [first] = values
  if (first === undefined) return undefined
  const expected = canonical(first)
  return values.every((one) => one !== undefined && canonical(one) === expected) ? first : undefined
}

function canonical(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? JSON.stringify(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : JSON.stringify(value)
}

/**
 * The facts of the gates that passed. A rule about a platform image has only what is about it or
 * about its index.
 */
function variablesOfFacts(
  facts: ReadonlyMap<string, GateFacts>,
  image: JudgedImage,
  subject: JudgedSubject,
): Readonly<Record<string, unknown>> {
  const { root } = image
  const concerns = (about: string): boolean =>
    subject.digest === root.digest || about === subject.digest || about === root.digest
  const all = [...facts]
  const vulnerabilities = listOf(all.map(([, one]) => one.vulnerabilities))
  const components = listOf(all.map(([, one]) => one.components))
  const signers = signersOf(
    all.flatMap(([, one]) => one.signers ?? []),
    image,
    subject,
  )
  return {
    attestations: Object.fromEntries(
      all.flatMap(([name, { attestations = [] }]) => {
        const found = attestations.filter((one) => concerns(one.subject))
        return found.length === 0 ? [] : [[name, found]]
      }),
    ),
    ...(vulnerabilities !== undefined && {
      scan: { vulnerabilities: vulnerabilities.filter((one) => concerns(one.subject)) },
    }),
    ...(components !== undefined && {
      sbom: { components: components.filter((one) => concerns(one.subject)) },
    }),
    // A rule about all signers would be true for an empty list.
    ...(signers.length > 0 && { signers }),
  }
}

/**
 * The names of those who signed the manifest or its index. An index has also those who signed all
 * of its platform images.
 */
function signersOf(
  all: readonly SubjectSigner[],
  image: JudgedImage,
  { digest }: JudgedSubject,
): readonly string[] {
  const { root } = image
  const signed = new Set(all.map(({ signer, subject }) => `${subject} ${signer}`))
  const platforms = platformsOf(image)
  return [...new Set(all.map(({ signer }) => signer))].filter((signer) => {
    const hasSigned = (about: Digest): boolean => signed.has(`${about} ${signer}`)
    if (hasSigned(root.digest) || hasSigned(digest)) return true
    return digest === root.digest && platforms.length > 0 && platforms.every((one) => hasSigned(one.digest))
  })
}

/** Undefined if no gate has verified such a list: then it is unknown, and not empty. */
function listOf<Item>(lists: readonly (readonly Item[] | undefined)[]): readonly Item[] | undefined {
  return lists.some((list) => list !== undefined) ? lists.flatMap((list) => list ?? []) : undefined
}
