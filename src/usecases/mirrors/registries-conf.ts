import { DrayError } from '../../lib/errors.ts'
import { checkFallback } from './check-fallback.ts'
import type { MirrorFile, MirrorOptions, MirrorPart, MirrorPlace, MirrorRule } from './mirror-rule.ts'
import { headerLine, tomlString } from './toml.ts'

/** One `[[registry]]` table. */
interface RegistryTable {
  readonly rule: MirrorRule
  readonly part: MirrorPart
  /** the host and the path at the source */
  readonly prefix: string
}

/**
 * Returns the `registries.conf` (containers-registries.conf(5)) of CRI-O, podman and skopeo: a
 * table for each namespace or repository that the rules copy. The longest matching prefix counts.
 * @throws `unsupported` if rules map one prefix in several ways; `refused` without a fallback if a
 * rule copies only some repositories of a prefix, and by `checkFallback`.
 */
export function registriesConf(rules: readonly MirrorRule[], options: MirrorOptions): readonly MirrorFile[] {
  checkFallback(rules, options)
  const all = rules.flatMap((rule) =>
    rule.parts.map((part): RegistryTable => ({
      rule,
      part,
      prefix: placeOf(rule.source.registry, part.path),
    })),
  )
  for (const one of all) if (options.noFallback && !one.part.isWhole) throw notWhole(one)
  const byPrefix = Map.groupBy(all, ({ prefix }) => prefix)
  for (const tables of byPrefix.values()) checkOneWay(tables)
  const tables = [...byPrefix.values()].flatMap(([first]) => first ?? [])
  const needed = tables
    .filter((table) => !tables.some((wider) => wider !== table && covers(wider, table, tables)))
    .toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1))
  const lines = [
    headerLine(rules.map(({ name }) => name)),
    ...needed.flatMap((table) => ['', ...tableLines(table, options)]),
  ]
  return [{ path: 'registries.conf', content: `${lines.join('\n')}\n` }]
}

function tableLines({ rule, part, prefix }: RegistryTable, options: MirrorOptions): readonly string[] {
  return [
    '[[registry]]',
    `prefix = ${tomlString(prefix)}`,
    // A location is required unless the prefix begins with `*.`.
    `location = ${tomlString(prefix)}`,
    ...(rule.source.isPlain ? ['insecure = true'] : []),
    ...(options.noFallback ? ['blocked = true'] : []),
    ...part.mirrors.flatMap((mirror) => [
      '',
      '[[registry.mirror]]',
      `location = ${tomlString(placeOf(mirror.registry, mirror.path))}`,
      ...(mirror.isPlain ? ['insecure = true'] : []),
      ...(options.digestOnly ? ['pull-from-mirror = "digest-only"'] : []),
    ]),
  ]
}

/**
 * Whether a wider table maps the repositories of another one to the same places, and no table
 * between them maps them elsewhere.
 */
function covers(wider: RegistryTable, table: RegistryTable, all: readonly RegistryTable[]): boolean {
  if (!isBelow(table.prefix, wider.prefix) || !isSame(mirrorsBelow(wider, table), table.part.mirrors))
    return false
  return all.every(
    (between) =>
      !isBelow(between.prefix, wider.prefix) ||
      !isBelow(table.prefix, between.prefix) ||
      isSame(mirrorsBelow(between, table), table.part.mirrors),
  )
}

function isBelow(prefix: string, wider: string): boolean {
  return prefix.startsWith(`${wider}/`)
}

/** The mirrors that a wider table has for the prefix of another one. */
function mirrorsBelow({ part, prefix }: RegistryTable, table: RegistryTable): readonly MirrorPlace[] {
  const rest = table.prefix.slice(prefix.length + 1)
  return part.mirrors.map((mirror) => ({
    ...mirror,
    path: mirror.path === '' ? rest : `${mirror.path}/${rest}`,
  }))
}

function isSame(some: readonly MirrorPlace[], others: readonly MirrorPlace[]): boolean {
  const text = (mirrors: readonly MirrorPlace[]): string =>
    mirrors.map(({ registry, path }) => placeOf(registry, path)).join(' ')
  return text(some) === text(others)
}

function placeOf(registry: string, path: string): string {
  return path === '' ? registry : `${registry}/${path}`
}

function checkOneWay(tables: readonly RegistryTable[]): void {
  const [first, ...rest] = tables
  if (first === undefined || rest.every(({ part }) => isSame(part.mirrors, first.part.mirrors))) return
  const ways = tables.map(
    ({ rule, part }) =>
      `${rule.name}: ${part.mirrors.map(({ registry, path }) => placeOf(registry, path)).join(', ')}`,
  )
  throw new DrayError('unsupported', `cannot write one entry for ${first.prefix}`, {
    subject: first.prefix,
    why: 'registries.conf has one entry for a prefix, and the sync rules map it in several ways',
    details: [...new Set(ways)],
    hint: 'Name only rules with the same mapping.',
  })
}

function notWhole({ rule, prefix }: RegistryTable): DrayError {
  return new DrayError('refused', `cannot write mirrors without a fallback for ${rule.name}`, {
    subject: prefix,
    why: `the rule selects only some repositories below ${prefix}, and pulls of the others would fail`,
    hint: 'Omit --no-fallback, or list the repositories in the rule without wildcards.',
  })
}
