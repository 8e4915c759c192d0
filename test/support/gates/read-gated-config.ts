import { importReaders } from '../../../src/config/sections/import-readers.ts'
import { type LoadedConfig, parseConfig } from '../../../src/config/load.ts'
import { parseSource } from '../../../src/config/source.ts'

/** A day in the middle of the year of the examples in the documentation. */
export const someNow: number = Date.parse('2026-11-28T12:00:00Z')

/** Reads a dray.yaml with gates, in the folder `/x`. @throws `config` */
export async function readGatedConfig(
  content: string,
  now = someNow,
  file = '/x/dray.yaml',
): Promise<LoadedConfig> {
  const readers = await importReaders(parseSource(content, 'dray.yaml').value, now)
  return parseConfig({ file, content }, 'dray.yaml', readers)
}
