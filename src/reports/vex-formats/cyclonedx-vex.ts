import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { parsePackageUrl } from '../package-url.ts'
import { allComponents, configsOf, cycloneDxVersion, manifestsOf } from '../shared/cyclonedx.ts'
import { withoutRepeats } from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import type { VexDocument, VexProduct, VexStatement } from '../vex.ts'

const versions = ['1.4', '1.5', '1.6', '1.7']
const vexName = 'the VEX document'

/** CycloneDX 1.6, vulnerabilities[].analysis.state */
const statuses: ReadonlyMap<string, VexStatement['status']> = new Map([
  ['resolved', 'fixed'],
  ['resolved_with_pedigree', 'fixed'],
  ['exploitable', 'affected'],
  ['in_triage', 'under_investigation'],
  ['false_positive', 'not_affected'],
  ['not_affected', 'not_affected'],
])

/** CycloneDX 1.6, vulnerabilities[].analysis.justification */
const justifications: ReadonlySet<string | undefined> = new Set([
  'code_not_present',
  'code_not_reachable',
  'requires_configuration',
  'requires_dependency',
  'requires_environment',
  'protected_by_compiler',
  'protected_at_runtime',
  'protected_at_perimeter',
  'protected_by_mitigating_control',
])

/** Parses the analyses of a CycloneDX BOM. @throws `malformed`, `unsupported`. */
export function parseCycloneDxVex(bom: Fields): VexDocument {
  cycloneDxVersion(bom, versions, vexName)
  const issuedAt = reportTime(bom.optionalObject('metadata')?.optionalText('timestamp'))
  bom.list('vulnerabilities', Infinity)
  const findProduct = productFinder(bom)
  return {
    format: 'cyclonedx',
    statements: bom.objects('vulnerabilities').flatMap((one) => statementsOf(one, findProduct, issuedAt)),
  }
}

type FindProduct = (affected: Fields, isExact: boolean) => VexProduct

/** A vulnerability without an analysis is a finding, and no statement. */
function statementsOf(
  vulnerability: Fields,
  findProduct: FindProduct,
  issuedAt: number | undefined,
): readonly VexStatement[] {
  const analysis = vulnerability.optionalObject('analysis')
  const state = analysis?.optionalText('state')
  if (analysis === undefined || state === undefined) return []
  const status = statuses.get(state)
  if (status === undefined)
    throw new DrayError('malformed', `${vexName} has the state ${JSON.stringify(state.slice(0, 100))}`)
  const id = vulnerability.text('id')
  const justification = analysis.optionalText('justification')
  const references = vulnerability.objects('references').flatMap((one) => one.optionalText('id') ?? [])
  const suppresses = status === 'fixed' || status === 'not_affected'
  const products = vulnerability.objects('affects').map((one) => findProduct(one, suppresses))
  if (products.length === 0) return []
  const time = timeOf(analysis, issuedAt)
  return [
    {
      vulnerability: id,
      aliases: withoutRepeats(references.filter((other) => other !== id)),
      status,
      ...(justifications.has(justification) && justification !== undefined && { justification }),
      products,
      ...(time !== undefined && { time }),
    },
  ]
}

function timeOf(analysis: Fields, issuedAt: number | undefined): number | undefined {
  const own = analysis.optionalText('lastUpdated') ?? analysis.optionalText('firstIssued')
  return own === undefined ? issuedAt : reportTime(own)
}

/**
 * Returns a function that finds what an entry of `affects` is about: the component of the metadata
 * is the product, and every other component is a part of it. `isExact` demands the versions that
 * the entry lists.
 */
function productFinder(bom: Fields): FindProduct {
  const main = bom.optionalObject('metadata')?.optionalObject('component')
  const mainReference = main?.optionalText('bom-ref')
  const product = {
    ids: [mainReference, main?.optionalText('purl')].filter((id) => id !== undefined),
    digests: withoutRepeats([...manifestsOf(main), ...configsOf(main)]),
  }
  const purls = new Map(
    allComponents(bom).map((one) => [one.optionalText('bom-ref'), one.optionalText('purl')] as const),
  )
  return (affected, isExact) => {
    const reference = localReference(affected.text('ref'))
    if (reference === mainReference) return { ...product, subcomponents: [] }
    const subcomponent = purls.get(reference) ?? reference
    const subcomponents = isExact ? withVersions(subcomponent, affected.objects('versions')) : [subcomponent]
    return { ...product, subcomponents }
  }
}

/** The element of a BOM-Link `urn:cdx:SERIAL/VERSION#ELEMENT`; other text unchanged. */
function localReference(reference: string): string {
  if (!reference.startsWith('urn:cdx:')) return reference
  const element = reference.slice(reference.indexOf('#') + 1)
  try {
    return decodeURIComponent(element)
  } catch {
    return element
  }
}

/**
 * Returns the package with each of the listed versions. A range names no version, and dray does not
 * compare versions: such an entry matches no package.
 */
function withVersions(reference: string, entries: readonly Fields[]): readonly string[] {
  const url = parsePackageUrl(reference)
  if (entries.length === 0 || url === undefined || url.version !== undefined) return [reference]
  const end = reference.search(/[?#]|$/)
  const listed = entries.flatMap((one) => one.optionalText('version') ?? [])
  return listed.length === 0
    ? ['a range of versions']
    : listed.map(
        (version) => `${reference.slice(0, end)}@${encodeURIComponent(version)}${reference.slice(end)}`,
      )
}
