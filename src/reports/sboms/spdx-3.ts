import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Fields } from '../../oci/fields.ts'
import {
  digestsOfHash,
  digestsOfPackageUrl,
  digestsOfReference,
  withoutRepeats,
} from '../shared/named-digests.ts'
import type { SbomComponent, SbomDocument } from '../sbom.ts'

const context = /^https:\/\/spdx\.org\/rdf\/(\d+\.\d+(?:\.\d+)?)\/spdx-context\.jsonld$/
const packageTypes: ReadonlySet<string | undefined> = new Set([
  'software_Package',
  'ai_AIPackage',
  'dataset_DatasetPackage',
])

/** Whether a document says that it is SPDX 3 in JSON-LD. */
export function isSpdx3(document: Readonly<Record<string, unknown>>): boolean {
  const value = document['@context']
  return typeof value === 'string' && value.startsWith('https://spdx.org/rdf/')
}

/** Parses SPDX 3.0 in JSON-LD (spdx-spec 3.0.1). @throws `malformed`, `unsupported`. */
export function parseSpdx3(document: Fields, where: string): SbomDocument {
  const [, specVersion = ''] = context.exec(document.text('@context')) ?? []
  if (!/^3\.0(?:\.|$)/.test(specVersion))
    throw new DrayError('unsupported', `${where} is of another version than SPDX 3.0`)
  document.list('@graph', Infinity)
  const elements = document.objects('@graph')
  const roots = rootsOf(elements)
  const packages = elements.filter((one) => packageTypes.has(one.optionalText('type')))
  const licenses = licensesOf(elements)
  return {
    format: 'spdx',
    specVersion,
    describes: withoutRepeats(packages.filter((one) => roots.has(idOf(one))).flatMap(digestsOf)),
    components: packages.filter((one) => !isImage(one)).map((one) => componentOf(one, licenses)),
  }
}

function idOf(element: Fields): string | undefined {
  return element.optionalText('spdxId') ?? element.optionalText('@id')
}

/** Returns the ids of what the document and its SBOM are about. */
function rootsOf(elements: readonly Fields[]): ReadonlySet<string | undefined> {
  const collections = elements.filter((one) =>
    ['SpdxDocument', 'software_Sbom', 'Bom', 'Bundle'].includes(one.optionalText('type') ?? ''),
  )
  const ids = new Set(collections.map(idOf))
  const described = elements.filter(
    (one) => one.optionalText('relationshipType') === 'describes' && ids.has(one.optionalText('from')),
  )
  return new Set([
    ...collections.flatMap((one) => textsOf(one, 'rootElement')),
    ...described.flatMap((one) => textsOf(one, 'to')),
  ])
}

/** JSON-LD writes a list of one entry also as the entry itself. */
function textsOf(element: Fields, name: string): readonly string[] {
  const value = element.value(name)
  return typeof value === 'string' ? [value] : element.optionalTexts(name)
}

function isImage(element: Fields): boolean {
  return (
    element.optionalText('software_primaryPurpose') === 'container' ||
    digestsOfPackageUrl(purlOf(element)).length > 0
  )
}

function purlOf(element: Fields): string | undefined {
  const external = element
    .objects('externalIdentifier')
    .find((one) => one.optionalText('externalIdentifierType') === 'packageUrl')
  return element.optionalText('software_packageUrl') ?? external?.optionalText('identifier')
}

function digestsOf(image: Fields): readonly Digest[] {
  const hashes = image.objects('verifiedUsing')
  return [
    ...digestsOfPackageUrl(purlOf(image)),
    ...digestsOfReference(image.optionalText('software_packageVersion')),
    ...digestsOfReference(image.optionalText('name')),
    ...hashes.flatMap((hash) =>
      digestsOfHash(hash.optionalText('algorithm'), hash.optionalText('hashValue')),
    ),
  ]
}

/** Returns the license expressions of each element, by its id. */
function licensesOf(elements: readonly Fields[]): ReadonlyMap<string | undefined, readonly string[]> {
  const expressions = new Map(
    elements.map((one) => [idOf(one), one.optionalText('simplelicensing_licenseExpression')] as const),
  )
  const licenses = new Map<string | undefined, string[]>()
  for (const relationship of elements) {
    if (!/^has(?:Declared|Concluded)License$/.test(relationship.optionalText('relationshipType') ?? ''))
      continue
    const from = relationship.optionalText('from')
    const known = licenses.get(from) ?? []
    for (const id of textsOf(relationship, 'to')) {
      const expression = expressions.get(id)
      if (expression !== undefined) known.push(expression)
    }
    licenses.set(from, known)
  }
  return new Map([...licenses].map(([id, all]) => [id, withoutRepeats(all)]))
}

function componentOf(
  element: Fields,
  licenses: ReadonlyMap<string | undefined, readonly string[]>,
): SbomComponent {
  const version = element.optionalText('software_packageVersion')
  const purl = purlOf(element)
  return {
    name: element.text('name'),
    ...(version !== undefined && { version }),
    ...(purl !== undefined && { purl }),
    licenses: licenses.get(idOf(element)) ?? [],
  }
}
