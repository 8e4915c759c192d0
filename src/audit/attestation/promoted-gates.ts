import { DrayError, type ErrorCode, errorCodes, type ErrorInfo } from '../../lib/errors.ts'
import { Fields } from '../../oci/fields.ts'
import {
  gateEffects,
  type GateEvidence,
  type GateKind,
  type GateResult,
  type GateSubjectResult,
  gateVerdicts,
} from '../../plan/gates/gate-result.ts'

/** Gates, and items of one gate. */
const maxItems = 20_000

/**
 * Parses the results of gates in the predicate of a promotion, as the audit record has them. Empty
 * for attestations of earlier versions, and if they have another form, as a later version may write
 * it: the promotion itself is known then.
 */
export function promotedGatesOf(predicate: Fields, where: string): readonly GateResult[] {
  try {
    return predicate
      .list('gates', maxItems)
      .map((entry, i) => gateOf(Fields.of(entry, `${where}.gates[${i}]`), `${where}.gates[${i}]`))
  } catch {
    return []
  }
}

function gateOf(fields: Fields, where: string): GateResult {
  const override = fields.optionalObject('override')
  const warnings = fields.value('warnings') === undefined ? [] : fields.list('warnings', maxItems)
  const error = fields.optionalObject('error')
  const entries = (name: string): readonly Fields[] =>
    fields.list(name, maxItems).map((entry, i) => Fields.of(entry, `${where}.${name}[${i}]`))
  return {
    name: fields.text('name'),
    environment: fields.text('environment'),
    // A later version of dray can have more kinds.
    kind: fields.text('kind') as GateKind,
    result: oneOf(gateVerdicts, fields, 'result', where),
    effect: oneOf(gateEffects, fields, 'effect', where),
    reason: fields.text('reason'),
    subjects: entries('subjects').map((subject) => subjectOf(subject, where)),
    evidence: entries('evidence').map(evidenceOf),
    definition: fields.text('definition'),
    evaluatedAt: fields.time('evaluatedAt'),
    ...optionalTime(fields, 'validUntil'),
    ...optionalTime(fields, 'passesAfter'),
    ...(override !== undefined && { override: { reason: override.text('reason') } }),
    ...(warnings.length > 0 && { warnings: warnings.map(String) }),
    ...fields.texts('hint'),
    ...(error !== undefined && { error: errorOf(error) }),
  }
}

function subjectOf(fields: Fields, where: string): GateSubjectResult {
  return {
    digest: fields.digest('digest'),
    ...fields.texts('platform'),
    result: oneOf(gateVerdicts, fields, 'result', where),
    reason: fields.text('reason'),
  }
}

function evidenceOf(fields: Fields): GateEvidence {
  return { digest: fields.digest('digest'), ...fields.texts('signer'), ...optionalTime(fields, 'time') }
}

function errorOf(fields: Fields): ErrorInfo {
  const code = fields.text('code')
  return {
    code: errorCodes.find((one): one is ErrorCode => one === code) ?? 'internal',
    message: fields.text('message'),
    ...fields.texts('subject', 'why', 'hint', 'registryCode'),
  }
}

function optionalTime<Name extends string>(fields: Fields, name: Name): { readonly [name in Name]?: string } {
  if (fields.optionalText(name) === undefined) return {}
  return { [name]: fields.time(name) } as { readonly [name in Name]: string }
}

function oneOf<T extends string>(known: readonly T[], fields: Fields, name: string, where: string): T {
  const text = fields.text(name)
  const found = known.find((one) => one === text)
  if (found === undefined) throw new DrayError('malformed', `${where}.${name} is unknown`)
  return found
}
