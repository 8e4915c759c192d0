import { DrayError } from '../../lib/errors.ts'
import type { Path } from '../key-path.ts'
import type { WrittenApprover, WrittenKeyless, WrittenSigner } from '../schema/schema-signers.ts'
import { dateProblem } from './date-problem.ts'
import type { ApproverConfig, KeyConfig, KeylessConfig, SignerConfig } from './gate.ts'
import type { GateContext } from './gate-context.ts'

const rootSuffix = /\.jsonl?$/
const imagePlaceholder = '{image}'

/** Reads a signer. Reports contradictions; files are not read. */
export function readSigner(
  { keys = [], keyless }: WrittenSigner,
  path: Path,
  context: GateContext,
): SignerConfig {
  if (keys.length === 0 && keyless === undefined)
    context.report([...path, 'keys'], 'a signer needs `keys` or `keyless`', 'key', true)
  return {
    path,
    keys: readKeys(keys, [...path, 'keys'], context),
    ...(keyless !== undefined && { keyless: readKeyless(keyless, [...path, 'keyless'], context) }),
  }
}

export function readApprover(written: WrittenApprover, path: Path, context: GateContext): ApproverConfig {
  return { ...readSigner(written, path, context), actors: written.actors ?? [] }
}

function readKeys(
  keys: NonNullable<WrittenSigner['keys']>,
  path: Path,
  { absolute, report }: GateContext,
): readonly KeyConfig[] {
  const seen = new Set<string>()
  return keys.map((key, i) => {
    const { file, expires } = typeof key === 'string' ? { file: key } : key
    const problem = expires === undefined ? undefined : dateProblem(expires)
    if (problem !== undefined) report([...path, i, 'expires'], problem)
    const named = absolute(file)
    if (seen.has(named)) report([...path, i], `${file} is listed twice`)
    seen.add(named)
    return { file: named, ...(expires !== undefined && { expires }) }
  })
}

function readKeyless(written: WrittenKeyless, path: Path, context: GateContext): KeylessConfig {
  const { issuer, subject, subjectRegExp, claims = {}, trustedRoot, transparencyLog = 'required' } = written
  const { report, absolute } = context
  checkSubject(written, path, context)
  if (!rootSuffix.test(trustedRoot)) {
    report([...path, 'trustedRoot'], `${trustedRoot} is not a trusted root: its name ends in .json or .jsonl`)
  }
  return {
    issuer,
    ...(subject !== undefined && { subject }),
    ...(subjectRegExp !== undefined && { subjectRegExp }),
    claims,
    trustedRoot: absolute(trustedRoot),
    transparencyLog,
  }
}

/** Without a subject, every account of the issuer would be trusted. */
function checkSubject(
  { subject, subjectRegExp }: WrittenKeyless,
  path: Path,
  { report, regExpProblem }: GateContext,
): void {
  if (subject !== undefined && subjectRegExp !== undefined) {
    report([...path, 'subjectRegExp'], '`subject` and `subjectRegExp` exclude each other', 'key')
  }
  if (subject === undefined && subjectRegExp === undefined) {
    const why = 'without it, every account of the issuer is trusted'
    report([...path, 'subject'], `\`subject\` or \`subjectRegExp\` is missing: ${why}`, 'key', true)
  }
  const wrong = subject === undefined ? undefined : globProblem(subject)
  if (wrong !== undefined) report([...path, 'subject'], wrong)
  if (subjectRegExp === undefined) return
  if (regExpProblem === undefined)
    throw new DrayError('internal', 'the engine of regular expressions is not loaded')
  const problem = regExpProblem(subjectRegExp)
  if (problem !== undefined) report([...path, 'subjectRegExp'], problem)
}

function globProblem(subject: string): string | undefined {
  const text = JSON.stringify(subject)
  const placeholder = subject.replaceAll(imagePlaceholder, '').match(/\{\w*\}/)?.[0]
  if (placeholder !== undefined)
    return `${text} has an unknown placeholder ${placeholder}; only ${imagePlaceholder} is known`
  if (/\*{3}/.test(subject)) return `${text} is not a glob: write * or **`
  if (/^[*/]+$/.test(subject)) return `${text} matches every account of the issuer`
  return undefined
}
