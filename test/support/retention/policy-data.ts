import { parse } from 'yaml'
import type { ReadingData } from './oracle/versions.ts'

export type TimeSourceData = 'promoted' | 'annotation' | 'config'

/** A policy as in dray.yaml, and as the oracle reads it. */
export interface PolicyData {
  readonly protect?: readonly ProtectionData[]
  readonly rules?: readonly RuleData[]
  readonly limits?: {
    readonly maxDeletes?: number
    readonly maxPercent?: number
    readonly minRemaining?: number
  }
  readonly timeFrom?: readonly TimeSourceData[]
}

/** One of `glob`, `regex` and `semver`. */
export interface SelectorData {
  readonly glob?: string | readonly string[]
  readonly regex?: string
  readonly semver?: string
}

export type TagsData =
  | readonly string[]
  | (SelectorData & { readonly exclude?: readonly string[] | SelectorData })

export interface ProtectionData {
  readonly name?: string
  readonly repositories?: readonly string[]
  readonly optional?: boolean
  readonly tags?: TagsData
  readonly semver?: {
    readonly range: string
    readonly newestPer?: 'repository' | 'major' | 'minor' | 'patch'
    readonly count?: number
  }
}

export type OrderData = 'time' | 'version' | 'name' | { readonly number: string }

export interface RuleData {
  readonly name: string
  readonly kind?: 'tags' | 'superseded' | 'orphaned' | 'broken'
  readonly repositories?: readonly string[]
  readonly tags?: TagsData
  readonly groupBy?: string | readonly string[]
  readonly orderBy?: OrderData
  readonly keepNewest?: number
  readonly olderThan?: string
}

/** A policy, and the keys that define how tags are read. */
export interface ConfigData {
  readonly policy: PolicyData
  readonly reading: ReadingData
  /** whether the image has the tag policy, and the environment another one */
  readonly isReadingOfImage: boolean
}

/** @param yaml the section, or a dray.yaml with one policy */
export function readPolicy(yaml: string): PolicyData {
  const data = parse(yaml) as PolicyData & { readonly retention?: PolicyData }
  return data.retention ?? data
}

const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** `15m`, `12h`, `14d`, `8w` in milliseconds. */
export function milliseconds(age: string): number {
  const unit = age.at(-1) as keyof typeof units
  return Number(age.slice(0, -1)) * units[unit]
}
