import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import type { SyncRule } from '../../src/config/sync/sync-rule.ts'
import { syncRulesOf } from '../../src/config/sync/sync-rules.ts'
import { isDrayError } from '../../src/lib/errors.ts'

/** Two environments, of which `prod` has two targets. It has four lines. */
export const environments = `version: 1
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  prod: { targets: [{ registry: eu.example.com, path: "prod/{image}" }, { registry: us.example.com, path: "prod/{image}" }] }
`

/**
 * Reads the section `sync` of a dray.yaml in `/etc/dray`.
 * @param section its entries, indented
 * @param rest the other sections
 */
export function loadSync(
  section: string,
  rest: string = environments,
): { readonly rules: readonly SyncRule[]; readonly config: Config } {
  const content = `${rest}sync:${section}`
  const loaded = parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml')
  return { rules: syncRulesOf(loaded, Date.UTC(2027, 0, 1)), config: loaded.config }
}

/** The mistakes of a section `sync`, each as `LINE:COLUMN PATH: MESSAGE; HINT`. */
export function mistakesIn(section: string, rest: string = environments): readonly string[] {
  try {
    loadSync(section, rest)
    return []
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
    return (thrown.mistakes ?? []).map(
      ({ line, column, path, message, hint }) =>
        `${line}:${column} ${path}: ${message}${hint === undefined ? '' : `; ${hint}`}`,
    )
  }
}
