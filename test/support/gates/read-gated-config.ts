import { type LoadedConfig, parseWholeConfig } from '../../../src/config/parse.ts'

/** A day in the middle of the year of the examples in the documentation. */
export const someNow: number = Date.parse('2026-11-28T12:00:00Z')

/** Reads a dray.yaml with gates, in the folder `/x`. @throws `config` */
export async function readGatedConfig(
  content: string,
  now = someNow,
  file = '/x/dray.yaml',
): Promise<LoadedConfig> {
  return await parseWholeConfig({ file, content }, 'dray.yaml', now)
}
