import { DrayError } from '../../lib/errors.ts'
import type { Config } from '../config.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { SectionContext, SectionReaders } from './sections.ts'

/**
 * Adds gates, signers, approvers and residency to a configuration. A section is never skipped:
 * without its reader, this throws `internal`.
 */
export function addSections(
  config: Config,
  written: WrittenConfig,
  readers: SectionReaders,
  rest: Omit<SectionContext, 'config'>,
): Config {
  const context = { ...rest, config }
  const { environments, trust } = addGates(written, readers, context)
  const { residency } = written
  if (residency !== undefined && readers.residency === undefined) throw notLoaded('residency')
  const policy = residency === undefined ? undefined : readers.residency?.(residency, context)
  return {
    ...config,
    environments,
    ...(trust !== undefined && { trust }),
    ...(policy !== undefined && { residency: policy }),
  }
}

function addGates(
  written: WrittenConfig,
  readers: SectionReaders,
  context: SectionContext,
): Pick<Config, 'environments' | 'trust'> {
  const { environments } = context.config
  const hasGates = Object.values(written.environments ?? {}).some(({ gates }) => gates !== undefined)
  if (!hasGates && written.signers === undefined && written.approvers === undefined) return { environments }
  if (readers.gates === undefined) throw notLoaded('gates')
  const { gates, trust } = readers.gates(written, context)
  const withGates = [...environments].map(([name, environment]) => {
    const own = gates.get(name)
    return [name, own === undefined ? environment : { ...environment, gates: own }] as const
  })
  return { environments: new Map(withGates), ...(trust !== undefined && { trust }) }
}

function notLoaded(section: string): DrayError {
  return new DrayError('internal', `the reader of ${section} is not loaded`)
}
