import type { DiagnosisCheck, Diagnosis, Finding, FindingState } from '../../usecases/views/doctor.ts'
import type { InventoryDiagnosis } from '../../usecases/views/inventory/diagnose-inventory.ts'
import type { GateDiagnosis } from '../../usecases/views/gate-diagnosis.ts'
import { escapeText } from '../text/escape.ts'
import type { Page, Style } from '../text/style.ts'
import { pad, wrap } from '../text/width.ts'

const words: Readonly<Record<DiagnosisCheck, string>> = {
  connection: 'connection',
  tls: 'TLS',
  credentials: 'credentials',
  api: 'API',
  repository: 'repository',
  clock: 'clock',
  rateLimit: 'rate limit',
  writing: 'clean-up',
  referrers: 'referrers API',
  deleteTag: 'tag deletion',
  deleteManifest: 'image deletion',
  mount: 'layer mounts',
  chunks: 'chunked uploads',
  uploadRange: 'resumed uploads',
  manyTags: 'tags in one PUT',
  range: 'range requests',
  catalog: 'catalog',
  challenge: 'challenge',
  anonymous: 'anonymous reads',
  tagList: 'tag list',
  head: 'HEAD',
  missingTag: 'missing tags',
  gates: 'gates',
  key: 'key',
  trustedRoot: 'trusted root',
  expression: 'expression',
  vendor: "vendor's API",
  vendorList: "vendor's list",
  vendorTags: 'tags',
  vendorDigests: 'digests of tags',
  vendorUntagged: 'untagged',
  vendorPushes: 'push times',
  vendorPulls: 'pull times',
  vendorContent: 'content',
  vendorLocks: 'locks',
  vendorToken: 'permissions',
}

const tones: Readonly<Record<FindingState, keyof Style>> = {
  ok: 'green',
  note: 'yellow',
  problem: 'red',
  unknown: 'dim',
}

const stateWidth = 'problem'.length
const checkWidth = Math.max(...Object.values(words).map((word) => word.length))
const indent = ' '.repeat(stateWidth + checkWidth + 4)
/** On a narrower page, lines are not wrapped. */
const leastTextWidth = 30

/**
 * Renders a block for each registry and for the gates of each environment: one line for each
 * finding, with its hint below.
 */
export function renderDiagnoses(
  diagnoses: readonly (Diagnosis | GateDiagnosis | InventoryDiagnosis)[],
  page: Page,
): string {
  return diagnoses.map((diagnosis) => renderDiagnosis(diagnosis, page)).join('\n\n')
}

function renderDiagnosis(diagnosis: Diagnosis | GateDiagnosis | InventoryDiagnosis, page: Page): string {
  const { findings } = diagnosis
  const known = findings.filter(({ state }) => state !== 'unknown')
  const unknown = Map.groupBy(
    findings.filter(({ state }) => state === 'unknown'),
    (finding) => finding.hint,
  )
  return [
    page.style.bold(escapeText(titleOf(diagnosis))),
    ...known.flatMap((finding) => renderFinding(finding, words[finding.check], page)),
    ...[...unknown].flatMap(([hint, some]) => renderUnknown(some, hint, page)),
  ].join('\n')
}

function titleOf(diagnosis: Diagnosis | GateDiagnosis | InventoryDiagnosis): string {
  if ('environment' in diagnosis) return `gates of ${diagnosis.environment}`
  if ('inventory' in diagnosis) {
    const { inventory, tool, repository } = diagnosis
    const of = repository === null ? '' : ` of ${repository}`
    return `list of ${inventory.name}${of} (kind ${inventory.kind}, dray ${tool})`
  }
  const { registry, repository } = diagnosis
  return repository === null ? registry : `${registry}/${repository}`
}

/** Renders unknown findings with the same hint together. */
function renderUnknown(some: readonly Finding[], hint: string | undefined, page: Page): readonly string[] {
  const saw = some.map(({ check }) => words[check]).join(', ')
  return renderFinding({ state: 'unknown', saw, ...(hint !== undefined && { hint }) }, '', page)
}

function renderFinding(
  { state, saw, hint }: Omit<Finding, 'check'>,
  word: string,
  { style, width }: Page,
): readonly string[] {
  const head = `${style[tones[state]](pad(state, stateWidth))}  ${pad(word, checkWidth)}  `
  const textWidth = width === undefined ? undefined : Math.max(leastTextWidth, width - indent.length)
  const lines = (text: string): readonly string[] =>
    textWidth === undefined ? [escapeText(text)] : wrap(escapeText(text), textWidth)
  const [first = '', ...rest] = lines(saw)
  const hints = hint === undefined ? [] : lines(hint)
  return [
    `${head}${first}`,
    ...rest.map((line) => `${indent}${line}`),
    ...hints.map((line) => style.dim(`${indent}${line}`)),
  ]
}
