import { dayMs, formatDay } from '../../lib/day.ts'
import { joinFirst } from '../../lib/join-first.ts'
import type { Finding } from './doctor.ts'

/** Days before the end of a key or root from which it is a note. */
const noticeDays = 30

/** The files of a signer. */
export interface ExaminedSigner {
  /** of an approver, `GROUP/PERSON` */
  readonly name: string
  readonly keys: readonly {
    readonly file: string
    /** milliseconds since 1970; undefined: it does not expire */
    readonly expiresAt?: number
  }[]
  readonly root?: {
    readonly file: string
    /** when its last CA ends, milliseconds since 1970 */
    readonly endsAt: number
    /** the command that writes the file again */
    readonly update: string
  }
}

/** The facts about the gates of an environment that need no request. */
export interface ExaminedGates {
  readonly environment: string
  /** the names of the gates */
  readonly gates: readonly string[]
  readonly signers: readonly ExaminedSigner[]
  /** of expressions that compile */
  readonly expressions: number
  /** keys, roots and expressions that cannot be used */
  readonly mistakes: readonly Pick<Finding, 'check' | 'saw' | 'hint'>[]
  /** why a gate can probably not pass */
  readonly warnings: readonly Pick<Finding, 'saw' | 'hint'>[]
}

export interface GateDiagnosis {
  readonly environment: string
  readonly gates: readonly string[]
  readonly findings: readonly Finding[]
}

/**
 * Returns the findings about the gates of an environment: pure.
 * @param now milliseconds since 1970
 */
export function diagnoseGates(facts: ExaminedGates, now: number): GateDiagnosis {
  const { environment, gates, signers, expressions, mistakes, warnings } = facts
  const compiled: readonly Finding[] =
    expressions === 0
      ? []
      : [
          {
            check: 'expression',
            state: 'ok',
            saw: `${expressions} ${expressions === 1 ? 'expression compiles' : 'expressions compile'}`,
          },
        ]
  return {
    environment,
    gates,
    findings: [
      { check: 'gates', state: 'ok', saw: joinFirst(gates, gates.length) },
      ...signers.flatMap((signer) => signerFindings(signer, now)),
      ...compiled,
      ...mistakes.map((one): Finding => ({ ...one, state: 'problem' })),
      ...warnings.map((one): Finding => ({ ...one, check: 'gates', state: 'note' })),
    ],
  }
}

function signerFindings({ name, keys, root }: ExaminedSigner, now: number): readonly Finding[] {
  const isUsable = root !== undefined || keys.some(({ expiresAt = Infinity }) => expiresAt > now)
  const ofKeys = keys.map(({ file, expiresAt }): Finding => {
    const saw = `${file} of ${name}`
    if (expiresAt === undefined) return { check: 'key', state: 'ok', saw: `${saw}, without an expiry` }
    // The day of the expiry is the last one on which the key counts.
    const day = formatDay(expiresAt - 1)
    if (expiresAt <= now) {
      const hint = isUsable ? 'Remove it from dray.yaml.' : 'Add the new key of the signer to dray.yaml.'
      return { check: 'key', state: isUsable ? 'note' : 'problem', saw: `${saw}, expired on ${day}`, hint }
    }
    if (expiresAt - now > noticeDays * dayMs)
      return { check: 'key', state: 'ok', saw: `${saw}, expires on ${day}` }
    const hint = 'Add the next key of the signer to dray.yaml before that day.'
    return { check: 'key', state: 'note', saw: `${saw}, expires on ${day}`, hint }
  })
  return root === undefined ? ofKeys : [...ofKeys, rootFinding(root, name, now)]
}

function rootFinding(
  { file, endsAt, update }: NonNullable<ExaminedSigner['root']>,
  name: string,
  now: number,
): Finding {
  const saw = `${file} of ${name}`
  if (endsAt === Infinity) return { check: 'trustedRoot', state: 'ok', saw: `${saw}, without an end` }
  const end = formatDay(endsAt)
  const hint = `Write the file again: ${update}.`
  if (endsAt <= now) {
    const expired = `${saw}, every CA in it expired, the last on ${end}`
    return { check: 'trustedRoot', state: 'problem', saw: expired, hint }
  }
  const valid = `${saw}, valid until ${end}`
  if (endsAt - now > noticeDays * dayMs) return { check: 'trustedRoot', state: 'ok', saw: valid }
  return { check: 'trustedRoot', state: 'note', saw: valid, hint }
}
