import { string } from '@oclif/core/flags'
import type { Stats } from 'node:fs'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { othersWhoWriteFile } from '../../lib/files/ownership.ts'
import type { Plan } from '../../plan/plan.ts'
import type { SignatureCheck } from '../../plan/plan-file.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import type { PublicKey } from '../../signing/dsse.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'
import { flagGroups } from '../help/flag-groups.ts'
import type { Context } from '../wiring/context.ts'

export const planKeyFlag = {
  key: string({
    char: 'k',
    summary: 'Public key (PEM) that must have signed the plan.',
    helpValue: 'FILE',
    helpGroup: flagGroups.safety,
    multiple: true,
    multipleNonGreedy: true,
  }),
}

export interface PlanFileOptions {
  /** Public keys. If there are any, one of them must have signed the plan. */
  readonly keyFiles: readonly string[] | undefined
  /** Refuses an unsigned file that others than this user and root can write to. */
  readonly ownOnly: boolean
  /**
   * Loads the key that must have signed a plan that overrides gates, if `keyFiles` is empty;
   * undefined: no key is configured.
   */
  readonly keyOfOverrides?: () => Promise<SigningKey | undefined>
}

/**
 * Reads a saved plan.
 * @throws `not-found`, `io`; `config` for a key; `malformed`, `unsupported`, `refused` as
 * `parsePlanFile`.
 */
export async function readPlanFile(
  file: string,
  { keyFiles = [], ownOnly, keyOfOverrides }: PlanFileOptions,
): Promise<Plan | PrunePlan> {
  const [{ readFileBounded }, { maxPlanSize, parsePlanFile }] = await Promise.all([
    import('../../lib/files/read.ts'),
    import('../../plan/plan-file.ts'),
  ])
  const checkOwner = (stats: Stats): void => refuseUntrusted(file, stats)
  const isChecked = ownOnly && keyFiles.length === 0
  const bytes = await readFileBounded(file, maxPlanSize, isChecked ? { check: checkOwner } : {})
  if (bytes === undefined) {
    throw new DrayError('not-found', `cannot read the plan ${file}`, {
      why: 'the file does not exist',
      hint: 'Save a plan with --out FILE: dray promote, copy, tag, rollback and prune have this flag.',
    })
  }
  const plan = parsePlanFile(bytes, file, await signatureCheck(keyFiles))
  if (keyFiles.length === 0 && keyOfOverrides !== undefined && overridesGates(plan))
    await checkOverrides((check) => parsePlanFile(bytes, file, check), file, keyOfOverrides)
  return plan
}

/**
 * Checks that `audit.sign.key` signed a plan that overrides gates, if that key is configured: a
 * person who can only write the file must not add an override.
 * @throws `refused`.
 */
async function checkOverrides(
  parseWith: (check: SignatureCheck) => void,
  file: string,
  keyOfOverrides: NonNullable<PlanFileOptions['keyOfOverrides']>,
): Promise<void> {
  try {
    const key = await keyOfOverrides()
    if (key === undefined) return
    const { publicHalf } = await import('../../signing/signing-keys.ts')
    parseWith(await checkWith([publicHalf(key)]))
  } catch (cause) {
    if (!isDrayError(cause) || cause.code === 'interrupted') throw cause
    throw new DrayError('refused', `the plan ${file} overrides gates, and its signature is not verified`, {
      subject: file,
      why: cause.why ?? cause.message,
      hint: 'Pass the public key of audit.sign.key with --key, or make the plan again.',
      cause,
    })
  }
}

function overridesGates(plan: Plan | PrunePlan): boolean {
  if (!('placements' in plan)) return false
  return plan.placements.some(({ gates = [] }) => gates.some(({ effect }) => effect === 'overridden'))
}

async function signatureCheck(keyFiles: readonly string[]): Promise<SignatureCheck | undefined> {
  if (keyFiles.length === 0) return undefined
  const { loadVerifyKey } = await import('../../signing/signing-keys.ts')
  return await checkWith(await Promise.all(keyFiles.map((file) => loadVerifyKey(file))))
}

async function checkWith(keys: readonly PublicKey[]): Promise<SignatureCheck> {
  const { checkPlanSignature } = await import('../../audit/attestation/plan-signature.ts')
  return (canonical, signature, name) => checkPlanSignature(canonical, signature, keys, name)
}

/** The hash of a plan does not detect a change by a person who computes a new one. */
function refuseUntrusted(file: string, stats: Stats): void {
  const why = othersWhoWriteFile(stats, process.env)
  if (why === undefined) return
  const isOwn = stats.uid === process.geteuid?.()
  throw new DrayError('refused', `cannot apply the plan ${file}`, {
    subject: file,
    why,
    hint: isOwn
      ? `Check the plan with: dray plan show ${file}. Then run: chmod go-w ${file}`
      : `Check the plan with: dray plan show ${file}. Then apply a copy that you own.`,
  })
}

/**
 * Writes a plan for `dray apply`, signed with `audit.sign.key` if that is configured. A job that
 * makes plans need not have the key: without it the plan is saved unsigned, with a warning.
 * @throws `io`.
 */
export async function savePlan(
  file: string,
  plan: Plan | PrunePlan,
  context: Context,
  warn: (text: string) => void,
): Promise<void> {
  const [{ formatPlanFile }, { writeFileAtomic }] = await Promise.all([
    import('../../plan/plan-file.ts'),
    import('../../lib/files/atomic.ts'),
  ])
  await writeFileAtomic(file, formatPlanFile(plan, await signatureOf(plan, context, warn)), { mode: 0o600 })
}

async function signatureOf(
  plan: Plan | PrunePlan,
  context: Context,
  warn: (text: string) => void,
): Promise<unknown> {
  try {
    const key = await context.signingKey()
    if (key === undefined) return undefined
    const { signPlan } = await import('../../audit/attestation/plan-signature.ts')
    return signPlan(plan, key)
  } catch (error) {
    if (!isDrayError(error) || (error.code !== 'config' && error.code !== 'io')) throw error
    const subject = error.subject === undefined ? '' : `: ${error.subject}`
    warn(`dray saved the plan without a signature: ${error.message}${subject}`)
    return undefined
  }
}
