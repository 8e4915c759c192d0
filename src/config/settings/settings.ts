import { isRecord } from '../../oci/json.ts'
import { isPlain } from '../../oci/registry-host.ts'
import type { Config } from '../config.ts'
import { formatKeyPath } from '../key-path.ts'
import { gateDefaults } from './gate-defaults.ts'
import { gitopsDefaults } from './gitops-defaults.ts'
import { syncDefaults } from './sync-defaults.ts'
import type { LoadedConfig } from '../parse.ts'
import { listPolicies } from '../schema/schema-retention.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { Path } from '../key-path.ts'

/** The source that decided a value. */
export type SettingOrigin =
  | { readonly kind: 'file'; readonly line: number; readonly column: number }
  | { readonly kind: 'default' }
  /** an environment variable */
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string }

/** A value in effect. */
export interface Setting {
  /** the path of keys in dray.yaml, or a flag */
  readonly key: string
  /** null: none, or no limit */
  readonly value: unknown
  readonly origin: SettingOrigin
}

type Value = readonly [path: Path, value: unknown]

/**
 * Lists the values of a configuration file and the defaults of its keys, by section and entry.
 * The URL of the webhook is shortened, because its path can be a secret.
 */
export function listSettings(loaded: LoadedConfig): readonly Setting[] {
  const { written, position } = loaded
  if (written === undefined || position === undefined) return []
  const inFile = [...leavesOf(written, [])]
  const known = new Set(inFile.map(([path]) => formatKeyPath(path)))
  const defaults = [...defaultsOf(loaded.config, written)].filter(([path]) => !known.has(formatKeyPath(path)))
  const all = [
    ...inFile.map((value) => ({ value, origin: { kind: 'file', ...position(value[0]) } as const })),
    ...defaults.map((value) => ({ value, origin: { kind: 'default' } as const })),
  ]
  const order = Object.keys(written)
  const sections = [...Map.groupBy(all, ({ value: [path] }) => path[0])]
  return sections
    .sort(([a], [b]) => rankIn(order, a) - rankIn(order, b))
    .flatMap(([, section]) => [...Map.groupBy(section, ({ value: [path] }) => path[1]).values()].flat())
    .map(({ value: [path, value], origin }) => {
      const key = formatKeyPath(path)
      return { key, value: key === 'audit.webhook.url' ? hidePath(String(value)) : value, origin }
    })
}

function rankIn(order: readonly string[], key: string | number | undefined): number {
  const rank = order.indexOf(String(key))
  return rank < 0 ? order.length : rank
}

/** Scalars and lists of scalars. */
function* leavesOf(value: unknown, path: Path): Generator<Value> {
  if (Array.isArray(value) && value.some(isRecord)) {
    for (const [i, item] of value.entries()) yield* leavesOf(item, [...path, i])
  } else if (isRecord(value)) {
    for (const [key, child] of Object.entries(value)) yield* leavesOf(child, [...path, key])
  } else if (value !== null) {
    yield [path, value]
  }
}

function* defaultsOf(config: Config, written: WrittenConfig): Generator<Value> {
  const { registries, environments, audit } = config
  const hosts = [...environments.values()].flatMap(({ targets }) => targets.map(({ registry }) => registry))
  for (const host of new Set([...Object.keys(written.registries ?? {}), ...hosts])) {
    yield [['registries', host, 'insecure'], isPlain(host, registries.get(host))]
    yield [['registries', host, 'concurrency'], 16]
  }
  for (const [name, { require }] of environments) {
    const path = ['environments', name]
    yield [[...path, 'promoteFrom'], null]
    yield [[...path, 'currentTag'], 'latest']
    if (require === undefined) yield [[...path, 'require'], []]
    yield [[...path, 'attest'], false]
    yield [[...path, 'tags', 'semver'], []]
    yield [[...path, 'tags', 'immutable'], []]
    yield [[...path, 'tags', 'channels'], []]
    yield [[...path, 'tags', 'v'], 'none']
    yield [[...path, 'tags', 'scheme'], 'semver']
    yield [[...path, 'tags', 'variants'], []]
    yield [[...path, 'tags', 'ignoreVersions'], []]
    yield [[...path, 'tags', 'buildMetadata'], false]
    yield [[...path, 'tags', 'majorZero'], false]
  }
  for (const image of Object.keys(written.images ?? {})) yield [['images', image, 'name'], image]
  if (written.images === undefined) yield [['images'], null]
  for (const [name] of written.retention === undefined ? [] : listPolicies(written.retention)) {
    const path = name === undefined ? ['retention'] : ['retention', name]
    yield [[...path, 'limits', 'maxDeletes'], null]
    yield [[...path, 'limits', 'maxPercent'], null]
    yield [[...path, 'limits', 'minRemaining'], null]
    yield [
      [...path, 'timeFrom'],
      ['annotation', 'config'],
    ]
  }
  yield* syncDefaults(written)
  yield* gateDefaults(config)
  yield* gitopsDefaults(written)
  if (audit.require === undefined) yield [['audit', 'require'], []]
  yield [['audit', 'timezone'], 'UTC']
  if (written.audit?.webhook === undefined) return
  yield [['audit', 'webhook', 'format'], 'cloudevents']
  yield [['audit', 'webhook', 'required'], false]
  yield [['audit', 'webhook', 'insecure'], false]
}

function hidePath(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return pathname === '/' && search === '' ? url : `${origin}/…`
}
