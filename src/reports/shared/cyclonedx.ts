import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Fields } from '../../oci/fields.ts'
import { digestsOfHash, digestsOfPackageUrl, digestsOfReference, withoutRepeats } from './named-digests.ts'

/** Whether a document says that it is a CycloneDX BOM in JSON. */
export function isCycloneDx(document: Readonly<Record<string, unknown>>): boolean {
  return document['bomFormat'] === 'CycloneDX'
}

/** Returns the version of a BOM. @throws `unsupported` unless it is one of `versions`. */
export function cycloneDxVersion(bom: Fields, versions: readonly string[], where: string): string {
  const version = bom.text('specVersion')
  if (versions.includes(version)) return version
  const found = JSON.stringify(version.slice(0, 20))
  throw new DrayError(
    'unsupported',
    `${where} has the CycloneDX version ${found}, and dray reads ${versions[0]} to ${versions.at(-1)}`,
  )
}

/** Returns all components, also those in others and in `metadata`. */
export function allComponents(bom: Fields): readonly Fields[] {
  const main = bom.optionalObject('metadata')?.optionalObject('component')
  return [...(main === undefined ? [] : [main, ...nested(main)]), ...nested(bom)]
}

/** Returns the components of a BOM or component, and those in them. */
export function nested(parent: Fields): readonly Fields[] {
  return parent.objects('components').flatMap((component) => [component, ...nested(component)])
}

/** Returns the value of each property with a name. */
function propertiesNamed(component: Fields | undefined, name: string): readonly string[] {
  return (component?.objects('properties') ?? [])
    .filter((property) => property.optionalText('name') === name)
    .flatMap((property) => property.optionalText('value') ?? [])
}

const trivyPrefix = 'aquasecurity:trivy:'

/** Returns the digest of the image config that Trivy writes for an image. */
export function configsOf(component: Fields | undefined): readonly Digest[] {
  return propertiesNamed(component, `${trivyPrefix}ImageID`).flatMap(digestsOfReference)
}

/** Returns the digests of manifests and indexes that a component is or names. */
export function manifestsOf(component: Fields | undefined): readonly Digest[] {
  if (component === undefined) return []
  const hashes = component.objects('hashes')
  return withoutRepeats([
    ...digestsOfPackageUrl(component.optionalText('purl')),
    ...digestsOfPackageUrl(component.optionalText('bom-ref')),
    ...digestsOfReference(component.optionalText('version')),
    ...digestsOfReference(component.optionalText('name')),
    ...hashes.flatMap((hash) => digestsOfHash(hash.optionalText('alg'), hash.optionalText('content'))),
    ...propertiesNamed(component, `${trivyPrefix}RepoDigest`).flatMap(digestsOfReference),
    ...propertiesNamed(component, `${trivyPrefix}Reference`).flatMap(digestsOfReference),
  ])
}
