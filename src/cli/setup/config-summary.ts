import type { LoadedConfig } from '../../config/parse.ts'
import { formatWarnings } from '../../config/mistakes.ts'
import { formatPlace } from '../../config/sync/format-place.ts'
import type { FileMistake } from '../../lib/errors.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import { isByVersion } from '../../selectors/select-tag.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatCount } from '../../render/text/format.ts'
import type { Page } from '../../render/text/style.ts'
import type { ValidatedParts } from './validate.ts'

/** The content of a configuration, for a program. */
export interface ConfigSummary {
  /** absolute */
  readonly file: string
  readonly environments: readonly {
    readonly name: string
    readonly targets: number
    /** the names of its gates */
    readonly gates: readonly string[]
    /** its deployment files, as globs and paths */
    readonly gitops: readonly string[]
  }[]
  /** null: every name is an image */
  readonly images: readonly string[] | null
  readonly retention: readonly {
    /** null: the only one */
    readonly name: string | null
    readonly hash: string
    readonly rules: readonly string[]
    readonly protections: readonly string[]
    /** protections and rules by version, which keep version-like tags */
    readonly byVersion: readonly string[]
    readonly limits: RetentionPolicy['limits']
  }[]
  readonly sync: readonly {
    readonly name: string
    readonly hash: string
    readonly from: string
    readonly repositories: readonly string[]
    readonly to: readonly string[]
    /** the names of its gates */
    readonly gates: readonly string[]
    /** it plans deletes */
    readonly exclusive: boolean
  }[]
  /** null: the file has no such section */
  readonly watch: { readonly sources: readonly string[]; readonly rules: readonly string[] } | null
  readonly signers: readonly string[]
  /** the people of each group */
  readonly approvers: readonly { readonly group: string; readonly people: readonly string[] }[]
  /** null: the file has no such section */
  readonly residency: { readonly default: 'allow' | 'deny'; readonly rules: number } | null
  /** deprecated keys, hidden rules, doubtful ranges, and gates whose attestations nothing writes */
  readonly warnings: readonly FileMistake[]
}

type SummarizedParts = Pick<ValidatedParts, 'policies'> & Partial<ValidatedParts>

export function summaryOf(
  file: string,
  { config, deprecated }: LoadedConfig,
  { policies, gateWarnings = [], syncRules = [], gitops = [], watch }: SummarizedParts,
): ConfigSummary {
  const { trust, residency } = config
  return {
    warnings: [...deprecated, ...policies.flatMap(warningsOf), ...gateWarnings],
    file,
    environments: [...config.environments].map(([name, { targets, gates = [] }]) => ({
      name,
      targets: targets.length,
      gates: gates.map((gate) => gate.name),
      gitops: gitops
        .filter((one) => one.environment === name)
        .flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === 'files' ? rule.files : rule.file))),
    })),
    images: config.images === undefined ? null : [...config.images.keys()],
    signers: [...(trust?.signers.keys() ?? [])],
    approvers: [...(trust?.approvers ?? [])].map(([group, people]) => ({
      group,
      people: [...people.keys()],
    })),
    residency: residency === undefined ? null : { default: residency.default, rules: residency.rules.length },
    sync: syncRules.map((rule) => ({
      name: rule.name,
      hash: rule.hash,
      from: formatPlace(rule.from),
      repositories: rule.repositories.map(({ text }) => text),
      to: rule.to.map(formatPlace),
      gates: rule.gates.map((gate) => gate.name),
      exclusive: rule.delete !== undefined,
    })),
    watch:
      watch === undefined
        ? null
        : { sources: watch.sources.map(({ name }) => name), rules: watch.rules.map(({ name }) => name) },
    retention: policies.map(({ name, hash, rules, protect, limits }) => ({
      name: name ?? null,
      hash,
      rules: rules.map((rule) => rule.name),
      protections: protect.map((protection) => protection.name),
      byVersion: [
        ...protect.filter((one) => one.kind === 'tags' && one.tags.kind === 'semver'),
        ...rules.filter(isByVersion),
      ].map((one) => one.name),
      limits,
    })),
  }
}

/** Formats the warnings about policies on one line each. */
export function warnAboutPolicies(
  { name }: LoadedConfig,
  policies: readonly RetentionPolicy[],
): readonly string[] {
  return formatWarnings(name ?? '', policies.flatMap(warningsOf), 'warnings about retention policies')
}

function warningsOf({ hiddenRules, doubtfulRanges }: RetentionPolicy): readonly FileMistake[] {
  return [...hiddenRules, ...doubtfulRanges]
}

/** Formats the summary for a person. */
export function renderConfigSummary(
  { file, environments, images, retention, sync, watch, signers, approvers, residency }: ConfigSummary,
  { style }: Page,
): string {
  const lines = [
    `environments: ${listed(environments.map(({ name }) => name))}`,
    `images: ${images === null ? 'any' : listed(images)}`,
    ...environments.flatMap(({ name, gates }) =>
      gates.length === 0 ? [] : [`gates of ${escapeText(name)}: ${listed(gates)}`],
    ),
    ...environments.flatMap(({ name, gitops }) =>
      gitops.length === 0 ? [] : [`deployment files of ${escapeText(name)}: ${listed(gitops)}`],
    ),
    ...(signers.length === 0 ? [] : [`signers: ${listed(signers)}`]),
    ...approvers.map(({ group, people }) => `approvers of ${escapeText(group)}: ${listed(people)}`),
    ...(residency === null
      ? []
      : [`residency: ${formatCount(residency.rules, 'rule')}, otherwise ${residency.default}`]),
    ...retention.flatMap(({ name, rules, protections, byVersion, limits }) => {
      const parts = [
        `${formatCount(rules.length, 'rule')} (${listed(rules)})`,
        formatCount(protections.length, 'protection'),
        ...(limits.maxDeletes === undefined ? [] : [`at most ${formatCount(limits.maxDeletes, 'delete')}`]),
      ]
      const policy = `retention${name === null ? '' : ` ${escapeText(name)}`}`
      const keeping = `${policy} keeps version-like tags, because these read versions: ${listed(byVersion)}`
      return [`${policy}: ${parts.join(', ')}`, ...(byVersion.length === 0 ? [] : [keeping])]
    }),
    ...sync.map(({ name, from, to, exclusive }) => {
      const deletes = exclusive ? ', with deletes' : ''
      return `sync ${escapeText(name)}: ${escapeText(from)} -> ${listed(to)}${deletes}`
    }),
    ...(watch === null
      ? []
      : [
          `watch: events of ${listed(watch.sources)}`,
          ...watch.rules.map((rule) => `watch rule: ${escapeText(rule)}`),
        ]),
  ]
  return [`${style.bold(escapeText(file))} is valid.`, ...lines.map((line) => `  ${line}`)].join('\n')
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map(escapeText).join(', ')
}
