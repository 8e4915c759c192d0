import { dirname, join, resolve } from 'node:path'
import type { LoadedConfig } from '../../config/parse.ts'
import type { SyncRule } from '../../config/sync/sync-rule.ts'
import { syncRulesOf } from '../../config/sync/sync-rules.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { makeFolder, writeFileAtomic } from '../../lib/files/atomic.ts'
import { nearest } from '../../lib/nearest.ts'
import { containerdFiles } from '../../usecases/mirrors/containerd.ts'
import type { MirrorFile, MirrorOptions, MirrorRule } from '../../usecases/mirrors/mirror-rule.ts'
import { registriesConf } from '../../usecases/mirrors/registries-conf.ts'
import { mirrorRuleOf } from './mirror-rules.ts'

export type MirrorFormat = 'containerd' | 'registries.conf'

interface MirrorRequest extends MirrorOptions {
  /** of sync rules; empty: all rules that runtimes can use */
  readonly rules: readonly string[]
  readonly format: MirrorFormat
}

export interface MirrorFiles {
  readonly files: readonly MirrorFile[]
  /** whole sentences */
  readonly warnings: readonly string[]
}

/**
 * Returns the files for a container runtime.
 * @throws `usage` for an unknown rule; `unsupported`, `refused` as the formats do; `config`.
 */
export function createMirrorFiles(loaded: LoadedConfig, request: MirrorRequest): MirrorFiles {
  const all = syncRulesOf(loaded)
  const named = request.rules.map((name) => ruleNamed(all, name))
  const warnings: string[] = []
  const rules: MirrorRule[] = []
  for (const rule of named.length === 0 ? all : named) {
    const usable = usableRule(rule, loaded)
    if (!isDrayError(usable)) rules.push(usable)
    else if (named.length > 0) throw usable
    else warnings.push(`The rule ${rule.name} is omitted: ${usable.why ?? usable.message}.`)
  }
  if (rules.length === 0) {
    throw new DrayError('usage', 'there is no sync rule for mirror files', {
      why: all.length === 0 ? 'dray.yaml has no section `sync`' : warnings.join(' '),
      hint: 'Add a rule to `sync` in dray.yaml that copies from a registry to a registry.',
    })
  }
  const create = request.format === 'containerd' ? containerdFiles : registriesConf
  return { files: create(rules, request), warnings }
}

/** Writes each file into a folder, with the folders that are missing. @throws `io`. */
export async function writeMirrorFiles(files: readonly MirrorFile[], folder: string): Promise<void> {
  for (const { path, content } of files) {
    const file = resolve(join(folder, path))
    await makeFolder(dirname(file))
    await writeFileAtomic(file, content)
  }
}

function usableRule(rule: SyncRule, { config }: LoadedConfig): MirrorRule | DrayError {
  try {
    return mirrorRuleOf(rule, config)
  } catch (error) {
    if (isDrayError(error) && error.code === 'unsupported') return error
    throw error
  }
}

function ruleNamed(rules: readonly SyncRule[], name: string): SyncRule {
  const rule = rules.find((one) => one.name === name)
  if (rule !== undefined) return rule
  const names = rules.map((one) => one.name)
  const near = nearest(name, names)
  const known = names.length === 0 ? 'dray.yaml has no sync rules' : `dray.yaml has ${names.join(', ')}`
  throw new DrayError('usage', `there is no sync rule ${JSON.stringify(name)}`, {
    why: known,
    hint: near === undefined ? 'Name a rule of `sync` in dray.yaml.' : `Did you mean ${near}?`,
  })
}
