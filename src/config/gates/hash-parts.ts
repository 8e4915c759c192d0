import { isRecord } from '../../oci/json.ts'
import type { Config } from '../config.ts'
import type { GateDefinition, SignerConfig } from './gate.ts'

/**
 * The gates of an environment for the hash of a configuration, in any order; nothing without gates.
 */
export function gateParts(gates: readonly GateDefinition[] = []): readonly unknown[] {
  if (gates.length === 0) return []
  const definitions = gates.map(({ path: _path, ...definition }) => [definition.name, definition])
  return [{ gates: withSortedKeys(Object.fromEntries(definitions)) }]
}

/**
 * Signers, approvers and residency for the hash of a configuration; nothing without these sections.
 * The paths of files differ between machines, and the hash of each gate covers their bytes.
 */
export function trustParts({ trust, residency }: Config): object {
  const sections = {
    ...(trust !== undefined && {
      signers: mapped(trust.signers, describe),
      approvers: mapped(trust.approvers, (people) =>
        mapped(people, (one) => ({ ...describe(one), actors: one.actors.toSorted() })),
      ),
    }),
    ...(residency !== undefined && {
      residency: {
        default: residency.default,
        rules: residency.rules.map(({ path: _path, ...rule }) => rule),
      },
    }),
  }
  return withSortedKeys(sections)
}

function describe({ keys, keyless }: SignerConfig): object {
  const { trustedRoot: _root, ...identity } = keyless ?? { trustedRoot: undefined }
  return { keys: keys.map(({ expires }) => expires ?? null), keyless: identity }
}

function mapped<T>(map: ReadonlyMap<string, T>, to: (value: T) => object): Readonly<Record<string, object>> {
  return Object.fromEntries([...map].map(([name, value]) => [name, to(value)]))
}

/** Copies a value so that equal maps have the same text. */
function withSortedKeys<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, child: unknown) =>
      isRecord(child)
        ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
        : child,
    ),
  ) as T
}
