import { aYearAfter } from '../../lib/day.ts'
import { noEnvironment, unknownName } from '../check/unknown-name.ts'
import type { Path } from '../key-path.ts'
import { ageOf } from '../retention/age.ts'
import type { WrittenGate } from '../schema/schema-gates.ts'
import { dateProblem } from './date-problem.ts'
import type { AttestationGate, GateBase, GateDefinition, ScanException, ScanGate, SoakGate } from './gate.ts'
import type { GateContext } from './gate-context.ts'

type WrittenKind<Kind extends keyof WrittenGate> = NonNullable<WrittenGate[Kind]>

/** Reads what only gates of this kind have. @param written with exactly one kind */
export function readKind(
  written: WrittenGate,
  base: GateBase,
  context: GateContext,
): GateDefinition | undefined {
  const { signature, attestation, scan, sbom, soak, approvals, completeness, cel } = written
  if (signature !== undefined) {
    const { signedBy, annotations = {} } = signature
    const count = readCount(signature, [...base.path, 'signature'], context)
    return { ...base, kind: 'signature', signedBy, count, annotations }
  }
  if (attestation !== undefined) return readAttestation(attestation, base, context)
  if (scan !== undefined) return readScan(scan, base, context)
  if (sbom !== undefined) {
    const { signedBy, formats = ['spdx', 'cyclonedx'], minComponents = 1 } = sbom
    checkSigners(signedBy, [...base.path, 'sbom', 'signedBy'], context)
    return { ...base, kind: 'sbom', ...(signedBy !== undefined && { signedBy }), formats, minComponents }
  }
  if (soak !== undefined) return readSoak(soak, base, context)
  if (approvals !== undefined) return readApprovals(approvals, base, context)
  if (completeness !== undefined) {
    checkSigners(completeness.signedBy, [...base.path, 'completeness', 'signedBy'], context)
    return { ...base, kind: 'completeness', signedBy: completeness.signedBy }
  }
  if (cel === undefined) return undefined
  const { expression, message } = cel
  return { ...base, kind: 'cel', expression, ...(message !== undefined && { message }) }
}

function readAttestation(
  written: WrittenKind<'attestation'>,
  base: GateBase,
  context: GateContext,
): AttestationGate {
  const { type, signedBy, expression, newestOnly = false } = written
  const count = readCount(written, [...base.path, 'attestation'], context)
  return {
    ...base,
    kind: 'attestation',
    type,
    signedBy,
    count,
    ...(expression !== undefined && { expression }),
    newestOnly,
  }
}

function readScan(written: WrittenKind<'scan'>, base: GateBase, context: GateContext): ScanGate {
  const path = [...base.path, 'scan']
  const { signedBy, failOn, maxAge, vex, exceptions = [] } = written
  checkSigners(signedBy, [...path, 'signedBy'], context)
  checkSigners(vex?.signedBy, [...path, 'vex', 'signedBy'], context)
  return {
    ...base,
    kind: 'scan',
    signedBy,
    failOn,
    maxAgeMs: readAge(maxAge, [...path, 'maxAge'], 'every report is older', context),
    ...(vex !== undefined && { vexSignedBy: vex.signedBy }),
    exceptions: exceptions.map((one, i) => readException(one, [...path, 'exceptions', i], context)),
    unknownSeverity: written.unknownSeverity ?? 'critical',
    ignoreUnfixed: written.ignoreUnfixed ?? false,
    allowReportFile: written.allowReportFile ?? false,
  }
}

/** An expired exception is no mistake: the gate reports that it is void. */
function readException(
  { id, package: only, expires, reason }: NonNullable<WrittenKind<'scan'>['exceptions']>[number],
  path: Path,
  { now, report }: GateContext,
): ScanException {
  const last = aYearAfter(now)
  const problem =
    dateProblem(expires) ??
    (expires > last ? `an exception expires at most a year ahead: ${last} or earlier` : undefined)
  if (problem !== undefined) report([...path, 'expires'], problem)
  return { id, ...(only !== undefined && { package: only }), expires, reason }
}

function readSoak(written: WrittenKind<'soak'>, base: GateBase, context: GateContext): SoakGate {
  const path = [...base.path, 'soak']
  const { environment, minSoak, signedBy, requireCurrent = false } = written
  const { environments } = context.known
  if (environment === base.environment) {
    context.report([...path, 'environment'], `${environment} cannot be its own environment to soak in`)
  } else if (!environments.includes(environment)) {
    context.report([...path, 'environment'], noEnvironment(environment, environments))
  }
  checkSigners(signedBy, [...path, 'signedBy'], context)
  return {
    ...base,
    kind: 'soak',
    soakEnvironment: environment,
    minSoakMs: readAge(minSoak, [...path, 'minSoak'], 'every image is older', context),
    signedBy,
    requireCurrent,
  }
}

function readApprovals(
  { count = 1, approvers, maxAge, allowSelfApproval = false }: WrittenKind<'approvals'>,
  base: GateBase,
  context: GateContext,
): GateDefinition {
  const path = [...base.path, 'approvals']
  const { groups } = context.known
  const isKnown = checkNames(
    approvers,
    [...groups.keys()],
    'group of approvers',
    [...path, 'approvers'],
    context,
  )
  const people = new Set(approvers.flatMap((group) => groups.get(group) ?? []))
  if (isKnown && count > people.size) {
    const who = people.size === 0 ? 'nobody' : `only ${[...people].join(', ')}`
    context.report([...path, 'count'], `${count} people cannot approve: ${who} can`)
  }
  return {
    ...base,
    kind: 'approvals',
    count,
    approvers,
    ...(maxAge !== undefined && {
      maxAgeMs: readAge(maxAge, [...path, 'maxAge'], 'every approval is older', context),
    }),
    allowSelfApproval,
  }
}

/** Two keys of one signer count once, so more than all signers can never sign. */
function readCount(
  { count = 1, signedBy }: { readonly count?: number | undefined; readonly signedBy: readonly string[] },
  path: Path,
  context: GateContext,
): number {
  const isKnown = checkSigners(signedBy, [...path, 'signedBy'], context)
  if (isKnown && count > signedBy.length) {
    const only = signedBy.length === 1 ? 'only one signer' : `only ${signedBy.length} signers`
    context.report([...path, 'count'], `${count} different signers are needed, but \`signedBy\` has ${only}`)
  }
  return count
}

/** Returns whether all signers are known and different. */
function checkSigners(signedBy: readonly string[] | undefined, path: Path, context: GateContext): boolean {
  return signedBy === undefined || checkNames(signedBy, context.known.signers, 'signer', path, context)
}

function checkNames(
  names: readonly string[],
  known: readonly string[],
  what: string,
  path: Path,
  { report }: GateContext,
): boolean {
  let isValid = true
  for (const [i, name] of names.entries()) {
    const isTwice = names.indexOf(name) < i
    if (!isTwice && known.includes(name)) continue
    isValid = false
    report([...path, i], isTwice ? `${name} is listed twice` : unknownName(what, name, known))
  }
  return isValid
}

/** @returns milliseconds; any number after a mistake */
function readAge(text: string, path: Path, atZero: string, { report }: GateContext): number {
  const age = ageOf(text, atZero)
  if (typeof age === 'number') return age
  report(path, age)
  return 0
}
